// What the device keeps: scans that are on their way, and the list of each conference. IndexedDB outlives the tab.

export type Direction = 'in' | 'out'

/** What the desk says about a scan, as the server or this device decided. */
export interface Answer {
  outcome: string
  name: string
  why: string
  answers: string[]
  registration?: string
  passage?: string
  approvable?: boolean
}

/** A scan. queued: not sent yet. said: it needs no sending, e.g. of somebody whom the list refuses. */
export interface Scan {
  key: string
  /** The id and the name of the account that scanned: the server takes the scan from no other. */
  account: string
  by: string
  conference: string
  url: string
  code: string
  registration: string
  digest: string
  direction: Direction
  gate: string
  method: 'scanner' | 'camera' | 'search'
  scannedAt: string
  approve: boolean
  state: 'queued' | 'sent' | 'said' | 'undone'
  answer: Answer
}

export type Person = [digest: string, id: string, name: string, answers: string[]]

/** The list of a conference as the server sends it, for one account. until: when its session ends. */
export interface StoredList {
  conference: string
  account: string
  at: string
  until: string
  codes: Record<string, string>
  people: Person[] | null
}

const KEPT_SCANS = 200

let opened: Promise<IDBDatabase> | undefined

function open(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open('meeteasy-desk', 1)
    request.onupgradeneeded = () => {
      const scans = request.result.createObjectStore('scans', { keyPath: 'key' })
      scans.createIndex('conference', 'conference')
      request.result.createObjectStore('lists', { keyPath: 'conference' })
    }
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
  return opened
}

async function use<Result>(
  store: 'scans' | 'lists',
  mode: IDBTransactionMode,
  act: (store: IDBObjectStore) => IDBRequest<Result>,
): Promise<Result> {
  const database = await open()
  return new Promise((resolve, reject) => {
    // strict: on the disk before we say that a scan is kept.
    const transaction = database.transaction(store, mode, { durability: 'strict' })
    const request = act(transaction.objectStore(store))
    transaction.oncomplete = () => resolve(request.result)
    transaction.onerror = transaction.onabort = () => reject(transaction.error)
  })
}

export const putScan = (scan: Scan) => use('scans', 'readwrite', store => store.put(scan))
export const getScan = (key: string) => use<Scan | undefined>('scans', 'readonly', store => store.get(key))
const removeScan = (key: string) => use('scans', 'readwrite', store => store.delete(key))
export const putList = (list: StoredList) => use('lists', 'readwrite', store => store.put(list))
export const getList = (conference: string) =>
  use<StoredList | undefined>('lists', 'readonly', store => store.get(conference))

const getAllScans = () => use<Scan[]>('scans', 'readonly', store => store.getAll())
export const forgetList = (conference: string) => use('lists', 'readwrite', store => store.delete(conference))
const removeLists = () => use('lists', 'readwrite', store => store.clear())

/**
 * Forgets what the device knows of attendees: lists, scans that need no sending, and the pages kept for later.
 * Queued scans stay, with no name. conference: of one only; all by default.
 */
export async function forget(conference?: string): Promise<void> {
  await (conference === undefined ? removeLists() : forgetList(conference))
  for (const scan of await getAllScans()) {
    if (conference !== undefined && scan.conference !== conference) continue
    if (scan.state !== 'queued') await removeScan(scan.key)
    else await putScan({ ...scan, answer: { ...scan.answer, name: scan.code.slice(0, 12), answers: [] } })
  }
  for (const name of (await globalThis.caches?.keys()) ?? []) {
    const isMeant = conference === undefined || name.endsWith(`/${conference}/desk/`)
    if (name.startsWith('meeteasy-desk:') && isMeant) await caches.delete(name)
  }
}

/** The scans of a conference at this device, oldest first; those that were settled long ago are dropped. */
export async function readScans(conference: string): Promise<Scan[]> {
  const scans = await use<Scan[]>('scans', 'readonly', store => store.index('conference').getAll(conference))
  scans.sort((one, other) => (one.scannedAt < other.scannedAt ? -1 : 1))
  const settled = scans.filter(scan => scan.state !== 'queued')
  const dropped = new Set(settled.slice(0, Math.max(0, settled.length - KEPT_SCANS)))
  for (const scan of dropped) await removeScan(scan.key)
  return scans.filter(scan => !dropped.has(scan))
}

export const readQueued = async (conference?: string) => {
  const scans = await use<Scan[]>('scans', 'readonly', store =>
    conference === undefined ? store.getAll() : store.index('conference').getAll(conference),
  )
  return scans
    .filter(scan => scan.state === 'queued')
    .sort((one, other) => (one.scannedAt < other.scannedAt ? -1 : 1))
}
