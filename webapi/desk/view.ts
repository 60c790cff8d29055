// Drawing: the answer, the last scans, people found by name, counts. All texts come from the page.

import type { Kind } from './signals'
import type { Texts } from './judging'
import type { Person, Scan } from './store'

interface Look {
  icon: string
  style: string
  kind: Kind
}

const LOOKS: Record<string, Look> = {
  welcome: { icon: 'check', style: 'ok', kind: 'ok' },
  goodbye: { icon: 'check', style: 'ok', kind: 'ok' },
  already: { icon: 'alert', style: 'already', kind: 'wait' },
  not_inside: { icon: 'alert', style: 'already', kind: 'wait' },
  pending: { icon: 'clock', style: 'pending', kind: 'wait' },
  waiting: { icon: 'clock', style: 'pending', kind: 'wait' },
  doubt: { icon: 'offline', style: 'doubt', kind: 'wait' },
  cancelled: { icon: 'cross', style: 'no', kind: 'no' },
  rejected: { icon: 'cross', style: 'no', kind: 'no' },
  other: { icon: 'calendar', style: 'no', kind: 'no' },
}
const UNKNOWN: Look = { icon: 'question', style: 'unknown', kind: 'no' }

export const lookOf = (outcome: string) => LOOKS[outcome] ?? UNKNOWN

export interface Action {
  label: string
  act: () => void
}

export interface Counts {
  inside: number
  expected: number
  present: number
  last_hour: number
  gates: Record<string, number>
  corrections: Record<string, string>
}

/** The first element that matches; the template has them all. */
export function part<Kind extends Element = HTMLElement>(selector: string): Kind {
  const found = document.querySelector<Kind>(selector)
  if (!found) throw new Error(`the page has no ${selector}`)
  return found
}

export function make(tag: string, text = '', className = ''): HTMLElement {
  const made = document.createElement(tag)
  made.textContent = text
  if (className) made.className = className
  return made
}

export class View {
  private readonly number = new Intl.NumberFormat(document.documentElement.lang)
  private readonly time: Intl.DateTimeFormat
  private readonly minute: Intl.DateTimeFormat

  constructor(private readonly texts: Texts, private readonly icons: string, timeZone: string) {
    this.time = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium', timeZone })
    this.minute = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short', timeZone })
  }

  clock = (at: string) => this.minute.format(new Date(at))

  private icon(name: string, extra = ''): SVGElement {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
    svg.setAttribute('class', `icon ${extra}`)
    svg.setAttribute('aria-hidden', 'true')
    const use = document.createElementNS('http://www.w3.org/2000/svg', 'use')
    use.setAttribute('href', `${this.icons}#${name}`)
    svg.append(use)
    return svg
  }

  private word = (scan: Scan) => this.texts[scan.answer.outcome] ?? this.texts['unknown']!

  showResult(scan: Scan, actions: Action[]): void {
    const look = lookOf(scan.answer.outcome)
    const result = part('[data-result]')
    result.className = `result ${look.style}${scan.state === 'queued' ? ' queued' : ''}`
    result.dataset['key'] = scan.key
    result.dataset['outcome'] = scan.answer.outcome
    const word = make('p', '', 'word')
    word.append(this.icon(look.icon), make('span', this.word(scan)))
    const answers = make('p', '', 'answers')
    answers.append(...scan.answer.answers.map(text => make('span', text)))
    const why = scan.state === 'undone' ? this.texts['undone']! : scan.answer.why
    result.replaceChildren(word, make('p', scan.answer.name, 'name'), make('p', why, 'why'), answers)
    part('[data-acts]').replaceChildren(
      ...actions.map(({ label, act }) => {
        const button = make('button', label, 'btn') as HTMLButtonElement
        button.type = 'button'
        button.addEventListener('click', act)
        return button
      }),
    )
  }

  showScans(scans: Scan[], choose: (scan: Scan) => void): void {
    part('[data-scans]').replaceChildren(
      ...scans.map(scan => {
        const look = lookOf(scan.answer.outcome)
        const words = make('span', scan.answer.name, 'grow')
        const notes = [this.word(scan)]
        if (scan.state === 'queued') notes.push(this.texts['notSent']!)
        else if (scan.state === 'undone') notes.push(this.texts['undone']!)
        else if (scan.answer.outcome !== 'welcome') notes.push(scan.answer.why)
        words.append(make('small', notes.filter(Boolean).join(' · ')))
        const time = make('time', this.time.format(new Date(scan.scannedAt)), 'num') as HTMLTimeElement
        time.dateTime = scan.scannedAt
        const button = make('button', '', 'row') as HTMLButtonElement
        button.type = 'button'
        const colour = { ok: 'good', wait: 'warn', no: 'bad' }[look.kind]
        button.append(this.icon(look.icon, colour), words, time)
        button.addEventListener('click', () => choose(scan))
        const item = make('li')
        item.dataset['outcome'] = scan.answer.outcome
        item.dataset['state'] = scan.state
        item.append(button)
        return item
      }),
    )
  }

  showPeople(people: { id: string; name: string; note: string }[], more: boolean, choose: (id: string, name: string) => void): void {
    const list = part('[data-people]')
    list.hidden = people.length === 0
    list.replaceChildren(
      ...people.map(person => {
        const button = make('button', '', 'row') as HTMLButtonElement
        button.type = 'button'
        const words = make('span', person.name, 'grow')
        words.append(make('small', person.note))
        button.append(words)
        button.addEventListener('click', () => choose(person.id, person.name))
        const item = make('li')
        item.append(button)
        return item
      }),
      ...(more ? [make('li', this.texts['more'], 'state-row')] : []),
    )
  }

  showCounts(counts: Counts, gate: string): void {
    const figures: Record<string, number> = { ...counts, gate: counts.gates[gate] ?? 0 } as never
    for (const element of document.querySelectorAll<HTMLElement>('[data-count]')) {
      element.textContent = this.number.format(figures[element.dataset['count']!] ?? 0)
    }
    const gates = Object.entries(counts.gates).sort((one, other) => other[1] - one[1])
    const details = part('[data-gates]')
    details.hidden = gates.length === 0
    details.querySelector('dl')!.replaceChildren(
      ...gates.flatMap(([name, entries]) => [make('dt', name || '–'), make('dd', this.number.format(entries), 'num')]),
    )
  }

  /** Says in one line what is wrong; an empty text hides it. */
  notify(text: string, link?: { href: string; label: string }): void {
    const notice = part('[data-notice]')
    const words = notice.querySelector('span')!
    if (words.textContent !== text) words.textContent = text // or a screen reader would repeat it
    notice.querySelector('a')?.remove()
    if (link) {
      const anchor = make('a', link.label) as HTMLAnchorElement
      anchor.href = link.href
      notice.append(anchor)
    }
    notice.hidden = text === ''
  }
}

export const asFound = (person: Person) => ({ id: person[1], name: person[2], note: person[3].join(' · ') })
