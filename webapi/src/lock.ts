// One sender for all tabs of an origin.

import { randomHex } from './ids.js'
import { get, put, remove } from './storage.js'

const NAME = 'meeteasy'
const LEASE = 'lease'
const tab = randomHex(8)

/**
 * Does `work` while no other tab does. `work` asks `keep()` before each request whether it may go on.
 *
 * With Web Locks the browser frees the lock of a tab that dies. Without them (insecure origins, old browsers) a
 * lease in the shared storage stands in: where another tab has it, nothing is done, and the caller tries again later.
 */
export async function exclusively(work: (keep: () => boolean) => Promise<void>, leaseMs: number): Promise<void> {
  if (navigator.locks) {
    let started = false
    try {
      return await navigator.locks.request(NAME, () => {
        started = true
        return work(() => true)
      })
    } catch {
      if (started) return
      // Sandboxed frames have no locks, and nobody to share with either.
    }
  }
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
