// What is kept on the device: localStorage, and memory where that is blocked, full or unwanted. Nothing throws.

const PREFIX = 'meeteasy:'
export const OPT_OUT = PREFIX + 'optout'

const memory = new Map<string, string>()
let persists = true

/** Keep things on the device from now on, or in memory only, where what is on the device goes, too. */
export function persist(on: boolean): void {
  if (!on) keys('').forEach(moveToMemory)
  persists = on
}

/** The getter throws where site data are blocked, and is null in some apps' web views. */
function attempt<Result>(use: (area: Storage) => Result, otherwise: Result): Result {
  try {
    return window.localStorage ? use(window.localStorage) : otherwise
  } catch {
    return otherwise
  }
}

const ifPersistent = <Result>(use: (area: Storage) => Result, otherwise: Result) =>
  persists ? attempt(use, otherwise) : otherwise

/** Whether the value is on the device now. Read back, because some browsers drop it without a word. */
function store(key: string, value: string): boolean {
  return ifPersistent(area => {
    area.setItem(PREFIX + key, value)
    return area.getItem(PREFIX + key) === value
  }, false)
}

export function get(key: string): string | null {
  return memory.get(key) ?? ifPersistent(area => area.getItem(PREFIX + key), null)
}

/** Returns whether the value will outlive the page. */
export function put(key: string, value: string): boolean {
  const stored = store(key, value)
  if (stored) memory.delete(key)
  else memory.set(key, value)
  return stored
}

export function remove(key: string): void {
  memory.delete(key)
  ifPersistent(area => area.removeItem(PREFIX + key), undefined)
}

export const isInMemory = (key: string) => memory.has(key)

/** Makes room on the device: the page alone knows the value from now on. */
export function moveToMemory(key: string): void {
  const value = get(key)
  remove(key)
  if (value !== null) memory.set(key, value)
}

const storedKeys = () =>
  attempt(area => Object.keys(area).filter(name => name.startsWith(PREFIX)).map(name => name.slice(PREFIX.length)), [])

/** All keys that begin with `start`, sorted. */
export function keys(start: string): string[] {
  const all = new Set([...(persists ? storedKeys() : []), ...memory.keys()])
  return [...all].filter(key => key.startsWith(start)).sort()
}

/** Removes everything that the SDK ever kept, on the device and in this page, but for the choice to opt out. */
export function clear(): void {
  memory.clear()
  for (const key of storedKeys()) if (PREFIX + key !== OPT_OUT) attempt(area => area.removeItem(PREFIX + key), undefined)
}

export const hasOptedOut = () => attempt(area => area.getItem(OPT_OUT) !== null, false)

/** The choice itself is always kept: without it we could not respect it. */
export function setOptedOut(on: boolean): void {
  attempt(area => (on ? area.setItem(OPT_OUT, '1') : area.removeItem(OPT_OUT)), undefined)
}
