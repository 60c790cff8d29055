// Written by bin/generate from analytics/event_types/: do not edit.

/** What every event may carry; `init` and the SDK fill in what is left out. */
export interface CommonFields {
  /** The conference; by default the one given to `init`. */
  conference_id?: string | undefined
  /** Identifies the event: sent again, it counts once. By default a new UUIDv7. */
  event_id?: string | undefined
  /** By default the visitor's first-party id. */
  visitor_id?: string | undefined
  /** By default the visitor's session. */
  session_id?: string | undefined
  /** When it happened: RFC 3339, or milliseconds since 1970. By default now. */
  ts?: string | number | undefined
  /** Anything else, at most 8 KiB as JSON. */
  properties?: Record<string, unknown> | undefined
}

/** A visitor wrote a message to the conference's assistant. The message itself is never sent here. */
export interface AIChat extends CommonFields {
  /** From 0 to 1000000000. */
  message_length: number
}

/** An attendee was checked in at the door. */
export interface CheckInEvent extends CommonFields {
  /** At most 512 characters. */
  method: string
  /** At most 64 characters. */
  registration_id?: string | undefined
}

/** A page was shown to a visitor. */
export interface PageView extends CommonFields {
  /** At most 2048 characters. */
  page: string
  /** At most 2048 characters. */
  url?: string | undefined
  /** At most 2048 characters. */
  referrer?: string | undefined
  /** At most 2048 characters. */
  title?: string | undefined
}

/** A visitor registered for the conference. */
export interface RegistrationEvent extends CommonFields {
  /** At most 512 characters. */
  form_id: string
  /** At most 64 characters. */
  registration_id?: string | undefined
  /** At most 64 characters. */
  share_code?: string | undefined
}

/** A visitor made a share link, or passed one on. */
export interface Share extends CommonFields {
  /** Matches `^(?:[A-Za-z0-9_-]{4,16}|s\.[A-Za-z0-9_-]{4,16}\.[A-Za-z0-9_-]{43})(?![\s\S])`. */
  share_code: string
  /** At most 512 characters. */
  channel?: string | undefined
  /** At most 2048 characters. */
  target_url?: string | undefined
  /** Matches `^(?:[A-Za-z0-9_-]{4,16}|s\.[A-Za-z0-9_-]{4,16}\.[A-Za-z0-9_-]{43})(?![\s\S])`. */
  parent_share_code?: string | undefined
  minted?: boolean | undefined
}

/** A visitor opened a share link. */
export interface ShareOpen extends CommonFields {
  /** Matches `^(?:[A-Za-z0-9_-]{4,16}|s\.[A-Za-z0-9_-]{4,16}\.[A-Za-z0-9_-]{43})(?![\s\S])`. */
  share_code: string
  /** At most 1000 items. */
  attribution_chain?: string[] | undefined
}

/** The fields of each event type. */
export interface EventTypes {
  ai_chat: AIChat
  checkin: CheckInEvent
  page_view: PageView
  registration: RegistrationEvent
  share: Share
  share_open: ShareOpen
}
