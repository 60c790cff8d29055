// One sender for all tabs of an origin.

import { randomHex } from './ids.js'
import { get, put, remove } from './storage.js'

const NAME = 'meeteasy'
const LEASE = 'lease'
const tab = randomHex(8)

type Work = (keep: () => boolean) => Promise<void>

/**
 * Does `work` while no other tab does. `work` asks `keep()` before each request whether it may go on.
 *
 * With Web Locks the browser frees the lock of a tab that dies. Without them (insecure origins, old browsers) a
 * lease in the shared storage stands in: where another tab has it, nothing is done, and the caller tries again later.
 */
export async function exclusively(work: Work, leaseMs: number): Promise<void> {
  if (navigator.locks && (await withLock(work, leaseMs))) return
  await withLease(work, leaseMs) // sandboxed frames have locks, but may not use them
}

/** Returns whether there are locks. */
async function withLock(work: Work, patienceMs: number): Promise<boolean> {
  let isOurs = false
  const request = (how: LockOptions) =>
    navigator.locks.request(NAME, how, () => {
      isOurs = true
      clearTimeout(timer)
      return work(() => isOurs)
    })
  const patience = new AbortController()
  const timer = setTimeout(() => patience.abort(), patienceMs)
  // A tab may hang with the lock: suspended by the system, or behind a dialog. What it is sending is claimed.
  const steal = () => (patience.signal.aborted ? request({ steal: true }).then(() => true) : isOurs)
  const done = await request({ signal: patience.signal }).then(() => true, steal).catch(() => true)
  isOurs = false
  return done
}

async function withLease(work: Work, leaseMs: number): Promise<void> {
  const [holder, until] = read()
  const left = +until! - Date.now()
  if (holder && holder !== tab && left > 0 && left <= leaseMs) return
  const renew = () => put(LEASE, `${tab},${Date.now() + leaseMs}`)
  renew()
  // Of tabs that write at the same time the last one wins, once all have seen each other's writes.
  await new Promise(resolve => setTimeout(resolve, 100 + Math.random() * 100))
  const keep = () => {
    const isOurs = read()[0] === tab
    if (isOurs) renew()
    return isOurs
  }
  if (!keep()) return
  try {
    await work(keep)
  } finally {
    if (read()[0] === tab) remove(LEASE)
  }
}

const read = () => (get(LEASE) ?? '').split(',')
