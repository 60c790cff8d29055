// The core: starting, consent, and from a call to an event in the queue. What is marked @internal is for this
// package's other modules.

import type { EventTypes } from './generated/events.js'
import type { Options, SentEvent } from './options.js'
import { randomHex, uuid7 } from './ids.js'
import { options, report } from './options.js'
import type { Rank } from './queue.js'
import { add, isEmpty } from './queue.js'
import { arm, expect, leave, resume, switchSending } from './sender.js'
import { clear, get, hasOptedOut, keys, OPT_OUT, persist, put, remove, setOptedOut } from './storage.js'

export { flush } from './sender.js'
export { cleanAddress, marks, onNavigate, replaceAddress, trackPageViews, whenShown } from './pages.js'
export { get, options, put, randomHex }

const SESSION_MS = 30 * 60_000
const MAX_HELD = 1000
const RANKS: Partial<Record<keyof EventTypes, Rank>> = { registration: 0, checkin: 0, page_view: 2 }

/** new: `init` was not called yet. asking: the consent hook has not answered yet. */
type Phase = 'new' | 'asking' | 'on' | 'off'
type Held = [type: keyof EventTypes, fields: object, now: number]

let phase: Phase = 'new'
let attempts = 0
let held: Held[] = []
let waiting: (() => void)[] = []
let isListening = false
let isAsking = false
let isStorageBlocked = false

/** @internal What other modules add: to each event before it is kept, to later calls of `init`, and to `reset`. */
export const hooks = {
  record: [] as ((event: SentEvent) => void)[],
  init: [] as (() => void)[],
  reset: [] as (() => void)[]
}

/** Starts the SDK, or changes its options. Events of before wait for it. */
export function init(given: Options = {}): void {
  if (typeof window === 'undefined') return
  for (const [name, value] of Object.entries(given)) if (value !== undefined) Object.assign(options, { [name]: value })
  if (!isListening) listen()
  isListening = true
  void start(given.consent)
  if (phase === 'on') for (const act of hooks.init) act()
}

function listen(): void {
  addEventListener('pagehide', () => leave(true))
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') leave(false)
  })
  addEventListener('pageshow', event => event.persisted && arm(0))
  addEventListener('online', resume)
  addEventListener('storage', event => {
    if (event.key === OPT_OUT) event.newValue ? stop() : void start()
  })
}

/** Asks for consent unless it is there, and again where a new hook is given. */
async function start(consent = phase === 'on' && !isAsking ? undefined : options.consent): Promise<void> {
  const attempt = ++attempts
  const gpc = (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl
  if (hasOptedOut() || (options.respectGpc && gpc)) return stop()
  if (consent) {
    if (phase !== 'on') phase = 'asking'
    isAsking = true
    const consents = await Promise.resolve().then(consent).catch(() => false)
    if (attempt !== attempts) return // opted out, or started again meanwhile
    isAsking = false
    if (!consents) return stop()
  }
  persist(!options.cookieless)
  if (options.cookieless) forget('visitor', 'session') // of earlier pages, which stored them
  phase = 'on'
  switchSending(true)
  const leftover = !isEmpty()
  for (const [type, fields, now] of held.splice(0)) record(type, fields, now)
  for (const act of waiting.splice(0)) act()
  if (leftover) arm(0)
}

function stop(): void {
  attempts++
  phase = 'off'
  isAsking = false
  switchSending(false)
  held = []
  waiting = []
  clear()
}

/** The visitor wants to be left alone: forgets them and their events in all tabs, and records nothing more. */
export function optOut(): void {
  if (typeof window === 'undefined') return
  setOptedOut(true)
  stop()
}

/** Takes `optOut` back. */
export function optIn(): void {
  if (typeof window === 'undefined') return
  setOptedOut(false)
  void start()
}

/** The next person at this device is another visitor. What is recorded already is still sent. */
export function reset(): void {
  forget('visitor', 'session', ...keys('opened:'))
  for (const act of hooks.reset) act()
}

const forget = (...names: string[]) => names.forEach(remove)

/** Records an event; it is sent with others soon. Never throws. */
export function trackEvent<Type extends keyof EventTypes>(type: Type, fields: EventTypes[Type]): void {
  record(type, fields)
}

/** @internal An event whose fields are not all in the catalogue yet. */
export function record(type: keyof EventTypes, fields: object, now = clock.now()): void {
  if (typeof window === 'undefined' || phase === 'off') return
  if (phase !== 'on') {
    held.push([type, { ...fields }, now])
    if (held.length > MAX_HELD) held.splice(Math.max(0, held.findIndex(([other]) => RANKS[other] === 2)), 1)
    return
  }
  let event = { type } as SentEvent
  try {
    const complete = {
      conference_id: options.conferenceId,
      event_id: uuid7(now),
      visitor_id: visitorId(),
      session_id: sessionId(now),
      ts: now
    }
    for (const [name, value] of [...Object.entries(complete), ...Object.entries(fields)]) {
      if (value !== undefined) event[name] = value
    }
    for (const change of hooks.record) change(event)
    const kept = options.beforeSend ? options.beforeSend(event) : event
    if (!kept) return
    event = kept
    if (!event.conference_id) return report('missing_field', 'No conference: give conferenceId to init.', [event])
    const rank = RANKS[type] ?? 1
    add(event, rank, now)
    expect(rank === 0)
  } catch (error) {
    report('invalid_event', String(error), [event])
  }
}

/** @internal The time of events; that of the call for calls that an inline stub kept. */
export const clock = { now: () => Date.now() }

/** @internal Does something as soon as, and if ever, things may be stored and sent. */
export function whenOn(act: () => void): void {
  if (phase === 'on') act()
  else if (phase !== 'off' && typeof window !== 'undefined') waiting.push(act)
}

/** @internal */
export const isOn = () => phase === 'on'

/**
 * The visitor's first-party id, made at the first call. Undefined where none can be kept: an id that ends with the page
 * would make each page a new visitor, and the server has an id for visitors without one.
 */
export function visitorId(): string | undefined {
  if (phase !== 'on' || options.cookieless || isStorageBlocked) return undefined
  const known = get('visitor')
  if (isId(known)) return known
  const made = randomHex(16)
  if (put('visitor', made)) return made
  isStorageBlocked = true
  remove('visitor')
  return undefined
}

/** Storage may be damaged, and the server refuses every event with an id that is none. */
const isId = (text: string | null | undefined): text is string => /^[\w-]{8,64}$/.test(text ?? '')

/** Ends after 30 minutes without an event, in any tab. */
function sessionId(now: number): string | undefined {
  if (options.cookieless || isStorageBlocked) return undefined
  const [known, last] = (get('session') ?? '').split(',')
  const idleMs = Math.abs(now - +last!) // the clock may have been set back
  const id = isId(known) && idleMs < SESSION_MS ? known : uuid7(now)
  if (id !== known || idleMs > 10_000) put('session', `${id},${now}`)
  return id
}
