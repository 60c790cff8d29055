// The desk's service worker: it opens the page without network, and sends scans after the tab was closed.

import { sendQueued } from './sending'

interface ExtendableEvent extends Event {
  waitUntil(promise: Promise<unknown>): void
}
interface FetchEvent extends ExtendableEvent {
  request: Request
  respondWith(response: Promise<Response>): void
}
interface WorkerScope {
  registration: { scope: string }
  clients: { claim(): Promise<void> }
  skipWaiting(): Promise<void>
  addEventListener(name: string, listen: (event: never) => void): void
  cookieStore?: { get(name: string): Promise<{ value: string } | null> }
}
const worker = self as unknown as WorkerScope

const CACHE = `meeteasy-desk:${new URL(worker.registration.scope).pathname}`
const PAGE = worker.registration.scope
const PATIENCE_MS = 4000

worker.addEventListener('install', (event: ExtendableEvent) => event.waitUntil(worker.skipWaiting()))
worker.addEventListener('activate', (event: ExtendableEvent) => event.waitUntil(worker.clients.claim()))

// The page names its files, since only it knows them.
worker.addEventListener('message', (event: ExtendableEvent & { data: { keep?: string[] } }) => {
  const keep = event.data.keep
  if (keep) event.waitUntil(keepAll([PAGE, ...keep]))
})

async function keepAll(addresses: string[]): Promise<void> {
  const cache = await caches.open(CACHE)
  await Promise.all(addresses.map(async address => {
    try {
      const response = await fetch(address, { redirect: 'manual', credentials: 'same-origin' })
      if (response.ok) await cache.put(address, response)
    } catch {
      // What was kept before stays.
    }
  }))
}

worker.addEventListener('fetch', (event: FetchEvent) => {
  const { request } = event
  const url = new URL(request.url)
  const isPage = request.mode === 'navigate' && url.origin + url.pathname === PAGE
  const isFile = url.origin === location.origin && url.pathname.startsWith('/static/')
  if (request.method === 'GET' && (isPage || isFile)) event.respondWith(answer(request, isPage ? PAGE : url.href))
})

/** From the network, or, where that is silent, as it was kept. */
async function answer(request: Request, kept: string): Promise<Response> {
  const cache = await caches.open(CACHE)
  let timer = 0
  const patience = new Promise<Response>(resolve => {
    const look = () => cache.match(kept).then(found => found && resolve(found))
    timer = setTimeout(look, PATIENCE_MS) as unknown as number
  })
  try {
    const response = await Promise.race([fetch(request), patience])
    if (response.status < 500) {
      if (response.ok && kept === PAGE && !new URL(request.url).search) await cache.put(kept, response.clone())
      return response
    }
  } catch {
    // No network.
  } finally {
    clearTimeout(timer)
  }
  return (await cache.match(kept)) ?? Response.error()
}

// Where the browser has background sync, queued scans leave without a page.
worker.addEventListener('sync', (event: ExtendableEvent & { tag: string }) => {
  if (event.tag === 'scans') event.waitUntil(sendAll())
})

async function sendAll(): Promise<void> {
  const token = async () => (await worker.cookieStore?.get('csrftoken'))?.value ?? ''
  if (!(await token())) return // the page will send them
  if ((await sendQueued(token)) === 'offline') throw new Error('try again later')
}
