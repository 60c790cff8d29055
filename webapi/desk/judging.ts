// What a device says by itself while the server cannot be reached: by its list and by its own scans.

import { DIGEST_CHARACTERS, isCode } from './code'
import type { Answer, Person, Scan, StoredList } from './store'

export type Texts = Record<string, string>

const UNSPACED = '[\\p{sc=Han}\\p{sc=Hira}\\p{sc=Kana}\\p{sc=Bopo}\\p{sc=Hang}ー]'
const GAP = new RegExp(`(${UNSPACED})[ \\t·‧•・]+(?=${UNSPACED})`, 'gu')

/** A text as searches compare it; the server's is `fold` of meeteasy/core/folding.py. */
const fold = (text: string) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(GAP, '$1')

/** The list of a conference, ready to be asked. */
export class DeviceList {
  readonly at: string
  private readonly states = new Map<string, string>()
  private readonly people = new Map<string, Person>()
  readonly hasNames: boolean

  constructor(stored: StoredList) {
    this.at = stored.at
    this.hasNames = stored.people !== null
    for (const [state, digests] of Object.entries(stored.codes)) {
      for (let from = 0; from < digests.length; from += DIGEST_CHARACTERS) {
        this.states.set(digests.slice(from, from + DIGEST_CHARACTERS), state)
      }
    }
    for (const person of stored.people ?? []) this.people.set(person[0], person)
  }

  get size(): number {
    return this.states.size
  }

  state = (digest: string) => this.states.get(digest)
  person = (digest: string) => this.people.get(digest)

  search(text: string, most: number): Person[] {
    const wanted = fold(text)
    const found: Person[] = []
    for (const person of this.people.values()) {
      if (fold(person[2]).includes(wanted) && found.push(person) > most) break
    }
    return found
  }
}

export interface Judgement {
  answer: Answer
  /** Whether the server must learn of the scan. Somebody who was not let in did not pass. */
  isKept: boolean
}

const fill = (text: string, facts: Record<string, string>) => text.replace(/\{(\w+)\}/g, (_, name) => facts[name] ?? '')

/** Judges a scan. own: this device's scans of today, oldest first, without this one. */
export function judge(
  scan: Scan, list: DeviceList | undefined, own: Scan[], texts: Texts, clock: (at: string) => string,
): Judgement {
  const say = (outcome: string, why: string, isKept: boolean): Judgement => {
    const person = list?.person(scan.digest)
    const name = person?.[2] ?? scan.answer.name
    return { answer: { outcome, name, why, answers: person?.[3] ?? [] }, isKept }
  }
  const text = (key: string, time = '') => fill(texts[key] ?? '', { time })
  if (scan.code && !isCode(scan.code)) return say('unknown', text('noSuchCode'), false)
  const before = own.filter(other => other.digest === scan.digest && other.state !== 'undone' && passed(other)).at(-1)
  const at = list ? clock(list.at) : ''
  const state = list?.state(scan.digest)
  if (!list || state === undefined) {
    if (!before) return say('doubt', list ? text('notOnList', at) : text('noList'), false)
  } else if (state !== 'approved' && state !== 'inside') {
    return say(state, text('stateOnList', at), false)
  }
  const isInside = before ? before.direction === 'in' : state === 'inside'
  const kept = `${list ? text('onList', at) + ' ' : ''}${text('kept')}`
  if (scan.direction === 'out') return say(isInside ? 'goodbye' : 'not_inside', kept, true)
  if (!isInside) return say('welcome', kept, true)
  return say('already', before ? text('sinceHere', clock(before.scannedAt)) : text('insideOnList', at), true)
}

const passed = (scan: Scan) => ['welcome', 'already', 'goodbye', 'not_inside'].includes(scan.answer.outcome)
