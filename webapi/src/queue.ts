// Events that wait, shared by all tabs: one key an event, so that tabs add theirs without overwriting another's.
// A key is `event:<rank><UUIDv7>`; sorted, registrations come first, and page views last.

import type { SentEvent } from './options.js'
import { options, report } from './options.js'
import { uuid7 } from './ids.js'
import { get, isInMemory, keys, moveToMemory, put, remove } from './storage.js'

const EVENT = 'event:'
const CLAIM = 'claim:'
const MAX_CHARACTERS = 1_000_000
const encoder = new TextEncoder()

/** 0 goes first and is dropped last. */
export type Rank = 0 | 1 | 2

/** Events in one request. `claim` keeps others from sending them too until they are answered for or it runs out. */
export interface Batch {
  keys: string[]
  texts: string[]
  bytes: number
  claim: string
}

/** Keys of the events that this page added and that are not sent yet. */
const own = new Set<string>()
// Of all that wait, about: `trim` counts exactly, at the first event too, for the sake of what earlier pages left.
let count = Infinity
let characters = Infinity

export function add(event: SentEvent, rank: Rank, now: number): void {
  const text = JSON.stringify(event)
  const key = EVENT + rank + uuid7(now)
  own.add(key)
  putFirmly(key, text, rank)
  count++
  characters += text.length
  if (count > options.maxQueued || characters > MAX_CHARACTERS) trim()
}

export const isEmpty = () => !keys(EVENT).length

/** On the device if there is room, for which the oldest events of lesser rank move to memory. */
function putFirmly(key: string, value: string, rank: number): void {
  if (put(key, value)) return
  const busy = claimed()
  for (const lesser of keys(EVENT).filter(other => rankOf(other) > rank && !isInMemory(other) && !busy.has(other))) {
    moveToMemory(lesser)
    if (put(key, value)) return
  }
}

const rankOf = (key: string) => +key[EVENT.length]!

/** Drops what exceeds the cap: the oldest of the least rank. */
function trim(): void {
  const waiting = keys(EVENT)
  const dropped: string[] = []
  // Other tabs' events count too, and what earlier pages left.
  count = waiting.length
  if (characters > MAX_CHARACTERS) characters = waiting.reduce((sum, key) => sum + (get(key) ?? '').length, 0)
  while (waiting.length && (count > options.maxQueued || characters > MAX_CHARACTERS)) {
    const least = rankOf(waiting[waiting.length - 1]!)
    const [key] = waiting.splice(waiting.findIndex(other => rankOf(other) === least), 1)
    const text = get(key!) ?? ''
    dropped.push(text)
    remove(key!)
    own.delete(key!)
    count--
    characters -= text.length
  }
  if (dropped.length) report('queue_full', 'Too many events wait; the oldest were dropped.', parse(dropped))
}

/**
 * Claims waiting events for a request: at most `maxEvents` and `maxBytes` as a body, registrations first.
 *
 * leaseMs: how long nobody else may send them. wanted: which may be taken at all. An event that is larger than
 * `maxBytes` is taken alone where `oversized` allows it.
 */
export function take(
  { maxEvents, maxBytes, leaseMs, wanted = () => true, oversized = false }:
  { maxEvents: number, maxBytes: number, leaseMs: number, wanted?: (key: string) => boolean, oversized?: boolean }
): Batch | undefined {
  const busy = claimed()
  const batch: Batch = { keys: [], texts: [], bytes: 64, claim: CLAIM + uuid7(Date.now()) } // 64: the body's frame
  for (const key of keys(EVENT)) {
    if (batch.keys.length >= maxEvents) break
    if (busy.has(key) || !wanted(key)) continue
    const text = get(key)
    if (!text) {
      remove(key) // damaged, or just sent by another tab
      continue
    }
    const bytes = encoder.encode(text).length + 1
    if (batch.bytes + bytes > maxBytes && !(oversized && !batch.keys.length)) continue
    batch.keys.push(key)
    batch.texts.push(text)
    batch.bytes += bytes
  }
  if (!batch.keys.length) return undefined
  putFirmly(batch.claim, [Date.now() + leaseMs, leaseMs, ...batch.keys].join(), -1)
  return batch
}

/** Keys of the events that are in some tab's request, or were in a beacon a short while ago. */
function claimed(): Set<string> {
  const busy = new Set<string>()
  for (const claim of keys(CLAIM)) {
    const [until, leaseMs, ...claimedKeys] = (get(claim) ?? '').split(',')
    const left = +until! - Date.now()
    // More than the whole lease is left where the clock was set back.
    if (left > 0 && left <= +leaseMs!) claimedKeys.forEach(key => busy.add(key))
    else remove(claim)
  }
  return busy
}

/** The batch was not taken: it may be sent again. */
export const release = (batch: Batch) => remove(batch.claim)

/** The batch is done with. The claim goes last: whoever still sees the events sees the claim too. */
export function finish(batch: Batch): void {
  batch.keys.forEach((key, index) => {
    remove(key)
    if (!own.delete(key)) return
    count--
    characters -= batch.texts[index]!.length
  })
  release(batch)
}

/** Whether this page answers for the event: it added it, or nobody else can see it. */
export const isOwn = (key: string) => own.has(key) || isInMemory(key)

/** The events of a batch; what somebody else wrote over is left out. */
export function parse(texts: string[]): SentEvent[] {
  return texts.flatMap(text => {
    try {
      return [JSON.parse(text) as SentEvent]
    } catch {
      return []
    }
  })
}
