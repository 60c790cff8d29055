// Sending scans, from the page and from the worker. A scan may be sent any number of times: its key is its own.

import { getScan, putScan, readQueued, type Answer, type Scan } from './store'

// Somebody stands at the desk and waits for the answer to a scan; nobody waits for one that is sent later.
const TIMEOUT_MS = 4000
const PATIENT_MS = 20_000

/** offline: nothing was reached. signedOut: the queue waits for somebody to sign in. */
export type Failure = 'offline' | 'signedOut'

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
        scanned_at: scan.scannedAt,
        sent_at: new Date().toISOString(),
        ...(scan.approve ? { approve: true } : {}),
      }),
    }, timeoutMs)
  } catch {
    return 'offline'
  }
  if (response.type === 'opaqueredirect' || response.status === 401 || response.status === 403) return 'signedOut'
  if (response.status >= 500 || response.status === 429) return 'offline'
  let answer: Answer
  try {
    const said = await response.json()
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

/** Sends what is queued, oldest first, until something fails. */
export async function sendQueued(
  token: () => string | Promise<string>,
  conference?: string,
  each: (scan: Scan) => void = () => {},
): Promise<Failure | undefined> {
  for (const scan of await readQueued(conference)) {
    const sent = await send(scan, await token(), PATIENT_MS)
    if (typeof sent === 'string') return sent
    each(sent)
  }
  return undefined
}
