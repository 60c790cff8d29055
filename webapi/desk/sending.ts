// Sending scans, from the page and from the worker. A scan may be sent any number of times: its key is its own.

import { forget, getScan, putScan, readQueued, type Answer, type Scan } from './store'

// Somebody stands at the desk and waits for the answer to a scan; nobody waits for one that is sent later.
const TIMEOUT_MS = 4000
const PATIENT_MS = 20_000

/**
 * offline: nothing was reached. signedOut: nobody is signed in, or may not scan any more. otherAccount: somebody
 * else is signed in than who scanned. The scan waits for all of them.
 */
export type Failure = 'offline' | 'signedOut' | 'otherAccount'

/** Whether the server lets the reader see the desk no longer. A redirect leads to the sign-in. */
export const isRefused = (response: Response) =>
  response.type === 'opaqueredirect' || [401, 403, 404].includes(response.status)

export async function call(url: string, options: RequestInit = {}, timeoutMs = TIMEOUT_MS): Promise<Response> {
  const aborting = new AbortController()
  const timer = setTimeout(() => aborting.abort(), timeoutMs)
  try {
    // A redirect leads to the sign-in.
    return await fetch(url, { ...options, redirect: 'manual', credentials: 'same-origin', signal: aborting.signal })
  } finally {
    clearTimeout(timer)
  }
}

/** Sends a scan and stores its answer. Returns the scan as it is then, or why it stays queued. */
export async function send(scan: Scan, token: string, timeoutMs = TIMEOUT_MS): Promise<Scan | Failure> {
  let response: Response
  try {
    response = await call(scan.url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-CSRFToken': token, 'Idempotency-Key': scan.key },
      body: JSON.stringify({
        ...(scan.code ? { code: scan.code } : { registration: scan.registration }),
        direction: scan.direction,
        gate: scan.gate,
        method: scan.method,
        account: scan.account,
        scanned_at: scan.scannedAt,
        sent_at: new Date().toISOString(),
        ...(scan.approve ? { approve: true } : {}),
      }),
    }, timeoutMs)
  } catch {
    return 'offline'
  }
  if (isRefused(response) && !(await isErased(scan, response))) {
    await forget(scan.conference)
    return 'signedOut'
  }
  if (response.status >= 500 || response.status === 429) return 'offline'
  let answer: Answer
  try {
    const said = await response.json()
    if (said.error?.code === 'other_account') return 'otherAccount'
    answer = response.ok
      ? said
      : { outcome: 'failed', name: scan.answer.name, why: said.error?.message ?? String(response.status), answers: [] }
  } catch {
    if (response.ok) return 'offline' // a portal of the venue's network answers for everybody
    answer = { outcome: 'failed', name: scan.answer.name, why: String(response.status), answers: [] }
  }
  const current = await getScan(scan.key)
  const done: Scan = { ...scan, answer, state: current?.state === 'undone' ? 'undone' : 'sent' }
  await putScan(done)
  return done
}

/** Whether it is the scanned person who is unknown, and not the reader. */
async function isErased(scan: Scan, response: Response): Promise<boolean> {
  if (scan.code || response.status !== 404) return false
  try {
    return (await call(new URL('../counts/', new URL(scan.url, location.href)).href, {}, PATIENT_MS)).ok
  } catch {
    return false
  }
}

/**
 * Sends what is queued, oldest first, until something fails. The scans of other accounts stay.
 * account: whose; a worker does not know who is signed in, and asks the server with each.
 */
export async function sendQueued(
  token: () => string | Promise<string>,
  account?: string,
  conference?: string,
  each: (scan: Scan) => void = () => {},
): Promise<Failure | undefined> {
  for (const scan of await readQueued(conference)) {
    if (account !== undefined && scan.account !== account) continue
    const sent = await send(scan, await token(), PATIENT_MS)
    if (sent === 'otherAccount' && account === undefined) continue
    if (typeof sent === 'string') return sent
    each(sent)
  }
  return undefined
}
