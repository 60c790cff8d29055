import type { EventTypes } from './generated/events.js'

/** An event as it goes to the server. */
export type SentEvent = { type: keyof EventTypes; ts: string | number; conference_id?: string } & Record<string, unknown>

/** Something that went wrong with events: nothing here is thrown, all of it is reported to `onError`. */
export interface Problem {
  /** The server's error code (`too_old`, `unknown_type`, ...), or `queue_full`, `too_large`, `invalid_event`, `refused`. */
  code: string
  message: string
  /** The events concerned, as they were sent. */
  events: SentEvent[]
  /** Whether the events count all the same, and only a field was cut or left out. */
  isWarning: boolean
  /** The HTTP status, where the server refused. */
  status?: number
  /** The field that is wrong, where one is. */
  field?: string
}

export interface Options {
  /** Where events go; by default `/api/analytics/events` of the page's own host. */
  endpoint?: string | undefined
  /** The conference of events that name none themselves. */
  conferenceId?: string | undefined
  /** How long an event waits for others at most, in milliseconds. Registrations and check-ins go at once. */
  flushInterval?: number | undefined
  /** How many waiting events are sent at once without waiting longer. */
  flushAt?: number | undefined
  /** After how many milliseconds without an answer a request counts as lost. */
  requestTimeout?: number | undefined
  /** How many events are kept while they cannot be sent; then the oldest page views go first, registrations last. */
  maxQueued?: number | undefined
  /** Store nothing on the device. The server tells visitors apart by an id that it forgets each day. */
  cookieless?: boolean | undefined
  /** Whether Global Privacy Control means that nothing is stored or sent. By default it does. */
  respectGpc?: boolean | undefined
  /** Whether the visitor consents. Until it says so nothing is stored or sent; events wait in memory. */
  consent?: (() => boolean | Promise<boolean>) | undefined
  /** Sees each event before it is kept; returns it, changed or not, or null to drop it. */
  beforeSend?: ((event: SentEvent) => SentEvent | null) | undefined
  /** Called with what was refused, dropped or cut. */
  onError?: ((problem: Problem) => void) | undefined
}

const DEFAULTS = {
  endpoint: '/api/analytics/events',
  flushInterval: 30_000,
  flushAt: 20,
  requestTimeout: 20_000,
  maxQueued: 1000,
  respectGpc: true
}

/** The options in force. */
export const options: Options & typeof DEFAULTS = { ...DEFAULTS }

let isReporting = false

/** Reports to `onError`. Errors in it stop nothing, and events recorded in it cause no reports of their own. */
export function report(code: string, message: string, events: SentEvent[], more: Partial<Problem> = {}): void {
  if (isReporting) return
  isReporting = true
  try {
    options.onError?.({ code, message, events, isWarning: false, ...more })
  } catch {
    // The page's own mistake; the SDK goes on.
  }
  isReporting = false
}
