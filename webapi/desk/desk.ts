// The check-in desk. A scan is kept on the device before anything else, then sent; without network the device
// judges by its list and sends later (docs/check-in-desk.md).

import { startCamera } from './camera'
import { cleanCode, digestCode, looksLikeCode } from './code'
import { DeviceList, judge, type Texts } from './judging'
import { call, isRefused, send, sendQueued, type Failure } from './sending'
import { isMuted, mute, signal } from './signals'
import { forget, forgetList, getList, putList, putScan, readScans, type Direction, type Scan, type StoredList } from './store'
import { asFound, lookOf, part, View, type Action, type Counts } from './view'

const LIST_EVERY_MS = 5 * 60_000
const COUNTS_EVERY_MS = 15_000
const RETRY_MS = 3000
const SHOWN_SCANS = 30
const FOUND_AT_ONCE = 20
const GATE = 'meeteasy-desk:gate:'

const desk = part('[data-desk]')
const data = desk.dataset as Record<string, string>
const conference = data['conference']!
const account = data['account']!
const texts = JSON.parse(part('#desk-texts').textContent!) as Texts
const view = new View(texts, data['icons']!, data['zone']!)
const field = part<HTMLInputElement>('[data-form] input')
const gate = part<HTMLInputElement | HTMLSelectElement>('[data-gate]')

let list: DeviceList | undefined
let scans: Scan[] = [] // of this device, oldest first, whoever scanned
let shown = '' // the key of the scan whose answer is shown
let failure: Failure | undefined
let isStoring = true
let turn = Promise.resolve() // scans are handled one after the other, in their order

const token = () => /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? ''
const direction = () => part<HTMLInputElement>('[name=direction]:checked').value as Direction
const fill = (text: string, facts: Record<string, string>) => text.replace(/\{(\w+)\}/g, (_, name) => facts[name] ?? '')

function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('')
}

// --- Scanning

interface Read {
  code?: string
  registration?: string
  name?: string
  method: Scan['method']
  approve?: boolean
  /** Somebody at the desk decided to let them in, although the device cannot tell. */
  isDecided?: boolean
  scannedAt?: string
}

function take(read: Read): void {
  const scannedAt = read.scannedAt ?? new Date().toISOString() // now, not when its turn comes
  const way = direction()
  turn = turn.then(() => handle({ ...read, scannedAt }, way)).catch(error => console.error(error))
}

async function handle(read: Read & { scannedAt: string }, way: Direction): Promise<void> {
  const code = cleanCode(read.code ?? '')
  const scan: Scan = {
    key: newKey(), account, by: data['by']!, conference, url: data['scan']!, code, registration: read.registration ?? '',
    digest: code ? await digestCode(code) : `id:${read.registration}`,
    direction: way, gate: gate.value.trim(), method: read.method, scannedAt: read.scannedAt,
    approve: read.approve ?? false, state: 'queued',
    answer: { outcome: 'doubt', name: read.name ?? code.slice(0, 12), why: '', answers: [] },
  }
  if (failure === undefined) {
    await keep(scan)
    const sent = await send(scan, token())
    if (typeof sent !== 'string') return settle(sent)
    fail(sent)
  }
  const judgement = judge(scan, list, scans, texts, view.clock)
  const isKept = judgement.isKept || read.isDecided === true
  scan.answer = read.isDecided ? { ...judgement.answer, outcome: 'welcome', why: texts['kept']! } : judgement.answer
  scan.state = isKept ? 'queued' : 'said'
  await keep(scan)
  settle(scan)
}

async function keep(scan: Scan): Promise<void> {
  try {
    await putScan(scan)
  } catch {
    isStoring = false
    notify()
  }
}

function settle(scan: Scan): void {
  scans = [...scans.filter(other => other.key !== scan.key), scan]
  signal(lookOf(scan.answer.outcome).kind)
  show(scan)
  draw()
  if (scan.state === 'queued') askForSync()
  else countSoon()
}

function show(scan: Scan): void {
  shown = scan.key
  view.showResult(scan, actionsOf(scan))
}

function actionsOf(scan: Scan): Action[] {
  const { outcome, passage, approvable } = scan.answer
  const again = { ...(scan.code ? { code: scan.code } : { registration: scan.registration }), method: scan.method, name: scan.answer.name }
  const actions: Action[] = []
  if (outcome === 'doubt') {
    actions.push({ label: texts['letIn']!, act: () => take({ ...again, isDecided: true, scannedAt: scan.scannedAt }) })
  }
  if (approvable) actions.push({ label: texts['approve']!, act: () => take({ ...again, approve: true }) })
  if (scan.state === 'queued' || (scan.state === 'sent' && passage)) {
    actions.push({ label: texts['undo']!, act: () => void undo(scan) })
  }
  return actions
}

async function undo(scan: Scan): Promise<void> {
  if (scan.state === 'sent') {
    try {
      const url = data['undo']!.replace('PASSAGE', scan.answer.passage!)
      const response = await call(url, { method: 'POST', headers: { 'X-CSRFToken': token() } })
      if (!response.ok) throw new Error(String(response.status))
    } catch {
      view.notify(texts['undoFailed']!)
      return focus()
    }
  }
  const undone: Scan = { ...scan, state: 'undone' }
  await keep(undone)
  scans = scans.map(other => (other.key === scan.key ? undone : other))
  if (shown === scan.key) show(undone)
  draw()
  countSoon()
  focus()
}

// --- Network

function fail(why: Failure): void {
  failure = why
  if (why === 'signedOut') void lose()
  notify()
  setTimeout(retry, RETRY_MS)
}

let isRetrying = false

/** Sends what is queued; as long as that fails, tries again. */
async function retry(): Promise<void> {
  if (isRetrying) return
  isRetrying = true
  try {
    const again = await sendQueued(token, account, conference, scan => {
      scans = [...scans.filter(other => other.key !== scan.key), scan].sort((one, other) => (one.scannedAt < other.scannedAt ? -1 : 1))
      if (shown === scan.key) show(scan)
      draw()
    })
    const was = failure
    failure = again ?? (was && !(await isReachable()) ? was : undefined)
    if (again === 'signedOut') void lose()
    if (failure === undefined && was !== undefined) {
      countSoon()
      void refreshList()
      if (was === 'signedOut') void keepForLater().catch(error => console.warn(error))
    }
  } finally {
    isRetrying = false
  }
  notify()
  if (failure !== undefined) setTimeout(retry, RETRY_MS)
}

async function isReachable(): Promise<boolean> {
  try {
    return (await call(data['counts']!, {}, 20_000)).ok
  } catch {
    return false
  }
}

/** Lets the worker send the queue when the network is back, even if this tab is closed. */
function askForSync(): void {
  void navigator.serviceWorker?.ready
    .then(found => (found as unknown as { sync?: { register(tag: string): Promise<void> } }).sync?.register('scans'))
    .catch(() => undefined)
}

function notify(): void {
  const queued = scans.filter(isMine).filter(scan => scan.state === 'queued').length
  const count = queued ? ` ${fill(texts['waitingScans']!, { count: String(queued) })}` : ''
  if (failure === 'otherAccount') view.notify(texts['otherAccount']! + count, { href: location.pathname, label: '↻' })
  else if (failure === 'signedOut') view.notify(texts['signedOut']!, { href: `${data['signIn']}?next=${location.pathname}`, label: '→' })
  else if (failure === 'offline') view.notify(texts['offline']! + count)
  else view.notify(isStoring ? describeOthers() : texts['noStorage']!)
}

/** The scans of others that wait at this device until they sign in. */
function describeOthers(): string {
  const waiting = new Map<string, number>()
  for (const scan of scans) {
    if (scan.state === 'queued' && !isMine(scan)) waiting.set(scan.by, (waiting.get(scan.by) ?? 0) + 1)
  }
  return [...waiting].map(([name, count]) => fill(texts['othersScans']!, { name, count: String(count) })).join(' ')
}

/** Forgets the attendees once the reader may not see them any more. Queued scans stay. */
async function lose(): Promise<void> {
  list = undefined
  delete desk.dataset['listed']
  await forget(conference)
  scans = await readScans(conference)
  part('[data-people]').hidden = true
  draw()
}

/** Whether an answer says that the reader may not see the desk any more; then it is forgotten. */
function isOver(response: Response): boolean {
  if (!isRefused(response)) return false
  if (failure === undefined) fail('signedOut')
  else void lose()
  return true
}

async function refreshList(): Promise<void> {
  try {
    const response = await call(data['list']!, {}, 20_000)
    if (isOver(response) || !response.ok) return
    const stored: StoredList = { ...(await response.json()), conference }
    if (stored.account !== account) return // somebody else signed in meanwhile
    list = new DeviceList(stored)
    desk.dataset['listed'] = String(list.size)
    await putList(stored)
  } catch {
    // The former list is better than none.
  }
}

let countTimer = 0

function countSoon(after = 600): void {
  clearTimeout(countTimer)
  countTimer = setTimeout(count, after)
}

async function count(): Promise<void> {
  try {
    const response = await call(data['counts']!)
    if (!isOver(response) && response.ok) {
      const counts = (await response.json()) as Counts
      view.showCounts(counts, gate.value.trim())
      correct(counts.corrections)
    }
  } catch {
    // The scans say whether there is network.
  }
  if (!document.hidden) countSoon(COUNTS_EVERY_MS)
}

/** Another desk, which was offline, scanned the same badge earlier: ours was "already in". */
function correct(corrections: Record<string, string>): void {
  for (const scan of scans) {
    const why = corrections[scan.answer.passage ?? '']
    if (why === undefined || scan.answer.outcome !== 'welcome') continue
    scan.answer = { ...scan.answer, outcome: 'already', why }
    void keep(scan)
    if (shown === scan.key) show(scan)
    draw()
  }
}

// --- The page

function draw(): void {
  view.showScans(scans.filter(isMine).slice(-SHOWN_SCANS).reverse(), scan => {
    show(scan)
    focus()
  })
  notify()
}

const isMine = (scan: Scan) => scan.account === account

const focus = () => field.focus({ preventScroll: true })

async function search(text: string): Promise<void> {
  const choose = (registration: string, name: string) => {
    view.showPeople([], false, choose)
    take({ registration, name, method: 'search' })
    focus()
  }
  let found: { people: { id: string; name: string; note: string }[]; more: boolean } | undefined
  try {
    const response = await call(`${data['find']}?q=${encodeURIComponent(text)}`)
    if (response.ok) found = await response.json()
  } catch {
    // Without network the list may know names.
  }
  if (!found && list?.hasNames) {
    const people = list.search(text, FOUND_AT_ONCE)
    found = { people: people.slice(0, FOUND_AT_ONCE).map(asFound), more: people.length > FOUND_AT_ONCE }
  }
  if (!found) return view.notify(texts['noNames']!)
  view.showPeople(found.people, found.more, choose)
  if (!found.people.length) {
    settle({
      key: newKey(), account, by: data['by']!, conference, url: '', code: '', registration: '', digest: '', direction: direction(), gate: '',
      method: 'search', scannedAt: new Date().toISOString(), approve: false, state: 'said',
      answer: { outcome: 'unknown', name: text, why: texts['nobody']!, answers: [] },
    })
  }
}

part('[data-form]').addEventListener('submit', event => {
  event.preventDefault()
  const text = field.value
  field.value = ''
  document.querySelector('[data-found]')?.remove()
  view.showPeople([], false, () => undefined)
  focus()
  if (!text.trim()) return
  if (looksLikeCode(text)) take({ code: text, method: 'scanner' })
  else void search(text.trim())
})

// Arrows walk from the field through the people found, or else the last scans; Escape and typing come back.
document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  const target = event.target as HTMLElement
  const people = part('[data-people]')
  const rows = [...(people.hidden ? part('[data-scans]') : people).querySelectorAll<HTMLElement>('.row')]
  const place = rows.indexOf(target)
  if (target === field || place >= 0) {
    if (event.key === 'ArrowDown') rows[place + 1]?.focus()
    else if (event.key === 'ArrowUp') (rows[place - 1] ?? field).focus()
    else if (event.key === 'Escape') focus()
    else if (place >= 0 && event.key.length === 1 && event.key !== ' ') return focus() // the key goes to the field
    else return
    event.preventDefault()
  } else if (event.key === 'Escape') {
    focus()
  } else if (event.key.length === 1 && !target.closest('input, select, textarea, button, a, summary')) {
    focus() // a scanner types wherever the focus is
  }
})

// A button that was pressed keeps no focus from the scanner.
document.addEventListener('focusout', () => setTimeout(() => document.activeElement === document.body && focus()))

function remember(): void {
  try {
    localStorage.setItem(GATE + conference, gate.value)
  } catch {
    // It holds for this page.
  }
  part('[data-at-gate]').textContent = gate.value
  countSoon(0)
}

function setUpBar(): void {
  try {
    const kept = localStorage.getItem(GATE + conference) ?? ''
    if (gate instanceof HTMLInputElement || [...gate.options].some(option => option.value === kept)) gate.value = kept
  } catch {
    // No storage: no gate.
  }
  part('[data-at-gate]').textContent = gate.value
  gate.addEventListener('change', remember)
  for (const radio of document.querySelectorAll('[name=direction]')) radio.addEventListener('change', focus)
  const sound = part('[data-sound]')
  const tell = () => {
    sound.setAttribute('aria-pressed', String(!isMuted()))
    sound.title = texts[isMuted() ? 'soundOff' : 'soundOn']!
  }
  sound.addEventListener('click', () => {
    mute(!isMuted())
    tell()
    signal('ok')
    focus()
  })
  tell()
}

let stopCamera: (() => void) | undefined

async function toggleCamera(): Promise<void> {
  const button = part('[data-camera-button]')
  const box = part('[data-camera]')
  if (stopCamera) {
    stopCamera()
    stopCamera = undefined
  } else {
    box.hidden = false
    try {
      stopCamera = await startCamera(
        part<HTMLVideoElement>('[data-camera] video'), { reader: data['reader']!, wasm: data['wasm']! },
        code => take({ code, method: 'camera' }),
      )
    } catch (error) {
      view.notify(fill(texts['cameraFailed']!, { reason: (error as Error).message }))
    }
  }
  box.hidden = !stopCamera
  button.setAttribute('aria-pressed', String(Boolean(stopCamera)))
  focus()
}

async function keepForLater(): Promise<void> {
  if (!navigator.serviceWorker) return
  await navigator.serviceWorker.register(data['worker']!)
  const ready = await navigator.serviceWorker.ready
  const files = [...document.querySelectorAll('link[rel=stylesheet], link[rel=icon], script[src]')].map(
    element => (element as HTMLLinkElement).href || (element as HTMLScriptElement).src,
  )
  const more = ['icons', 'reader', 'wasm'].map(name => new URL(data[name]!, location.href).href)
  ready.active?.postMessage({ keep: [...files, ...more] })
  void navigator.storage?.persist?.()
}

async function start(): Promise<void> {
  for (const element of document.querySelectorAll<HTMLElement>('[data-with-script]')) element.hidden = false
  for (const element of document.querySelectorAll<HTMLElement>('.without-script')) element.hidden = true
  part('[data-people]').hidden = true
  setUpBar()
  part('[data-camera-button]').addEventListener('click', () => void toggleCamera())
  if (!navigator.mediaDevices) part('[data-camera-button]').hidden = true // it needs https
  try {
    scans = await readScans(conference)
    const stored = await getList(conference)
    if (stored?.account === account && Date.parse(stored.until) > Date.now()) list = new DeviceList(stored)
    else if (stored) await forgetList(conference)
  } catch {
    isStoring = false
  }
  const last = scans.filter(isMine).at(-1)
  if (last) show(last)
  draw()
  focus()
  desk.dataset['ready'] = ''
  void keepForLater().catch(error => console.warn(error))
  void refreshList()
  if (scans.some(scan => scan.state === 'queued' && isMine(scan))) void retry()
  void count()
  setInterval(() => document.hidden || failure || void refreshList(), LIST_EVERY_MS)
  addEventListener('online', () => void retry())
  document.addEventListener('visibilitychange', () => document.hidden || void count())
}

void start()
