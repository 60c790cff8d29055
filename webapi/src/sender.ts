// From the queue to the server.

import type { Batch } from './queue.js'
import { exclusively } from './lock.js'
import { options, report } from './options.js'
import type { Problem } from './options.js'
import { finish, isEmpty, isOwn, parse, release, take } from './queue.js'
import { get, isInMemory, put, remove } from './storage.js'

const MAX_EVENTS = 500
// Browsers refuse more than 64 KiB in flight, in all keepalive requests and beacons of a page together.
const MAX_BYTES = 60 * 1024
const PAUSE = 'pause'
const MAX_BACKOFF_MS = 300_000
const MAX_PAUSE_MS = 3_600_000
// How soon, at the earliest, to look again for what others have claimed.
const MIN_WAIT_MS = 1000

let isOn = false
let sending: Promise<void> | undefined
let isAsked = false // to send, since events were last taken
let timer: ReturnType<typeof setTimeout> | undefined
let due = Infinity // when the timer goes off, by performance.now()
let bytesInFlight = 0
let maxEvents = MAX_EVENTS
let expected = 0

/** Nothing is sent while it is off. */
export function switchSending(on: boolean): void {
  isOn = on
}

const leaseMs = () => options.requestTimeout * 1.5

/** Sends what waits. Resolves when everything was tried that can be sent now. */
export function flush(): Promise<void> {
  disarm()
  expected = 0
  if (!isOn) return Promise.resolve()
  isAsked = true
  sending ??= sendWhileAsked().finally(() => {
    sending = undefined
    // What is left waits for the server's pause to end, or for a claim.
    if (!isEmpty()) arm(pauseLeft() || Math.min(Math.max(options.flushInterval, MIN_WAIT_MS), leaseMs()))
  })
  return sending
}

async function sendWhileAsked(): Promise<void> {
  while (isAsked) {
    isAsked = false
    await exclusively(sendAll, leaseMs())
  }
}

/** An event was added: send now if it is urgent or enough wait, else soon. */
export function expect(isUrgent: boolean): void {
  if (isUrgent || ++expected >= options.flushAt) void flush()
  else arm(options.flushInterval)
}

/** Flush in `ms` milliseconds, or earlier if that was planned. */
export function arm(ms: number): void {
  const at = performance.now() + ms
  if (at >= due) return
  clearTimeout(timer)
  due = at
  timer = setTimeout(() => void flush(), ms)
}

function disarm(): void {
  clearTimeout(timer)
  due = Infinity
}

async function sendAll(keep: () => boolean): Promise<void> {
  while (isOn && !pauseLeft() && keep()) {
    isAsked = false
    const batch = take({ maxEvents, maxBytes: MAX_BYTES, leaseMs: leaseMs(), oversized: true })
    if (!batch || !(await post(batch))) return
  }
}

/**
 * The page is hidden, or goes for good (`forGood`): send now, without waiting for anything, this page's own events that
 * fit beside what is in flight. The rest is sent by the next page.
 */
export function leave(forGood: boolean): void {
  if (!isOn) return
  const batch = take({
    maxEvents: MAX_EVENTS,
    maxBytes: MAX_BYTES - bytesInFlight,
    leaseMs: leaseMs(),
    wanted: pauseLeft() ? isInMemory : isOwn // while the server asks for patience, only what would be lost
  })
  if (!batch) return
  // Blockers and some in-app browsers take beacons away.
  if (!forGood || !navigator.sendBeacon) void post(batch)
  else if (sendBeacon(batch)) {
    // No answer will come: the claim runs out, and whoever is there then sends the events once more.
    bytesInFlight += batch.bytes
    setTimeout(() => (bytesInFlight -= batch.bytes), leaseMs())
  } else release(batch)
}

function sendBeacon(batch: Batch): boolean {
  try {
    return navigator.sendBeacon(options.endpoint, body(batch))
  } catch {
    return false // a blocker's, or no address
  }
}

const body = (batch: Batch) => `{"events":[${batch.texts.join()}],"sent_at":${Date.now()}}`

interface Fault { index: number | null, code: string, message: string, field?: string }
interface Answer {
  accepted?: number
  rejected?: Fault[]
  warnings?: Fault[]
  error?: { code: string, message: string, details?: { rejected?: Fault[] } }
}

/** Sends one batch. Returns whether to go on with the next. */
async function post(batch: Batch): Promise<boolean> {
  const cancel = new AbortController()
  let timeout: ReturnType<typeof setTimeout> | undefined
  // Not every `fetch` that a page has put in the browser's place listens to its signal.
  const late = new Promise<never>((_, reject) => {
    timeout = setTimeout(() => {
      cancel.abort()
      reject()
    }, options.requestTimeout)
  })
  let response: Response | undefined
  let answer: Answer | null = null
  bytesInFlight += batch.bytes
  try {
    const request = fetch(options.endpoint, {
      method: 'POST',
      body: body(batch),
      headers: { 'content-type': 'text/plain' }, // no preflight
      credentials: 'omit',
      keepalive: bytesInFlight <= MAX_BYTES,
      signal: cancel.signal
    })
    response = await Promise.race([request, late])
    answer = (await Promise.race([response.json(), late])) as Answer | null
  } catch {
    // No network, no answer in time, or one that is not the server's.
  }
  bytesInFlight -= batch.bytes
  clearTimeout(timeout)
  return isOn && settle(batch, answer ?? {}, response) // who opted out meanwhile leaves no trace
}

/** What the answer means for the batch. Returns whether to go on with the next. */
function settle(batch: Batch, answer: Answer, response?: Response): boolean {
  const status = response?.status ?? 0
  const faults = faultsIn(answer.rejected ?? answer.error?.details?.rejected)
  if (response?.ok && typeof answer.accepted === 'number') {
    finish(batch)
    remove(PAUSE)
    maxEvents = Math.min(MAX_EVENTS, maxEvents + 1)
    reportFaults(batch, faults, {})
    reportFaults(batch, faultsIn(answer.warnings), { isWarning: true })
    return true
  }
  // An `ok` without a count is no answer of ours, but of a hotel's sign-in page, say; so is what a redirect led to.
  const isForeign = response?.redirected && !answer.error
  if (isForeign || status < 400 || status === 408 || status === 425 || status === 429 || status >= 500) {
    release(batch)
    pause(response?.headers.get('retry-after'))
    return false
  }
  if ((status === 413 || status === 400) && !faults && batch.keys.length > 1) {
    // Too large, or spoilt by one of them.
    maxEvents = Math.ceil(batch.keys.length / 2)
    release(batch)
    return true
  }
  finish(batch)
  if (faults) reportFaults(batch, faults, { status })
  else {
    const { code = status === 413 ? 'too_large' : 'refused', message = `HTTP status ${status}` } = answer.error ?? {}
    report(code, message, parse(batch.texts), { status })
  }
  return true
}

/** What a proxy says may have any form. */
const faultsIn = (found: unknown) =>
  Array.isArray(found) ? (found as (Fault | null)[]).filter((fault): fault is Fault => !!fault?.code) : undefined

function reportFaults(batch: Batch, faults: Fault[] | undefined, more: Partial<Problem>): void {
  for (const { index, code, message, field } of faults ?? []) {
    const texts = index === null ? [] : batch.texts.slice(index, index + 1)
    report(code, message, parse(texts), field === undefined ? more : { ...more, field })
  }
}

/** Milliseconds until the next attempt; 0: now. */
function pauseLeft(): number {
  const left = +(get(PAUSE) ?? '').split(',')[0]! - Date.now()
  return left > 0 && left <= MAX_PAUSE_MS ? left : 0
}

/** Waits twice as long after each failure, at random, so that clients do not come back all at once. For all tabs. */
function pause(retryAfter: string | null | undefined): void {
  const failures = Math.max(0, +(get(PAUSE) ?? '').split(',')[1]! || 0)
  const backoff = Math.min(MAX_BACKOFF_MS, 1000 * 2 ** failures)
  const asked = retryAfter ? (+retryAfter * 1000 || Date.parse(retryAfter) - Date.now() || 0) : 0
  const wait = Math.max(asked, backoff / 2) + (Math.random() * backoff) / 2
  put(PAUSE, `${Math.round(Date.now() + Math.min(MAX_PAUSE_MS, wait))},${failures + 1}`)
}

/** The network is back. */
export function resume(): void {
  remove(PAUSE)
  void flush()
}
