// Who shared with whom: codes of the visitor's own, links, the address bar, WeChat and the system's share sheet.

import {
  cleanAddress, get, hooks, isOn, marks, onNavigate, options, put, randomHex, record, replaceAddress, visitorId,
  whenOn, whenShown
} from './core.js'
import { sha256 } from './sha256.js'

const CODE = /^(?:[A-Za-z0-9_-]{4,16}|s\.[A-Za-z0-9_-]{4,16}\.[A-Za-z0-9_-]{43})$/
const MAX_LENGTH = 2048
// Chats take the punctuation behind a link for a part of it, Chinese most of all: `?_s=q7Jm0Zt4，see you`.
const untail = (code: string) => code.split(/[^\w.-]/)[0]!.replace(/\.+$/, '')
// An open is remembered as long as it can earn a credit. An open after that is recorded again.
const REMEMBERED_MS = 30 * 86_400_000
const MAX_REMEMBERED = 50

export interface LinkOptions {
  /** Where the link is passed on: `wechat`, `mail`, `poster`. */
  channel?: string | undefined
  /** The page to share, absolute or relative; by default the one shown. */
  target?: string | undefined
  /** The link is only shown yet: it counts as shared once somebody else opens it. */
  minted?: boolean | undefined
}

export interface ShareOptions extends Omit<LinkOptions, 'minted'> {
  title?: string | undefined
  text?: string | undefined
}

/** The part of WeChat's JS-SDK that is used here. */
export interface WeChat {
  ready(act: () => void): void
  updateAppMessageShareData(data: object): void
  updateTimelineShareData(data: object): void
}

export interface WeChatOptions extends Omit<LinkOptions, 'channel' | 'minted'> {
  title: string
  desc?: string | undefined
  imgUrl?: string | undefined
}

const base64url = (bytes: Uint8Array) =>
  btoa(String.fromCharCode(...bytes)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '')

const digest = (...parts: string[]) => base64url(sha256(parts.join('\n')))

/** A code that proves whose it is: 4 characters of nonce, 12 of SHA-256(conference, visitor, nonce). */
const provenCode = (visitor: string, nonce: string) =>
  nonce + digest(options.conferenceId ?? '', visitor, nonce).slice(0, 12)

const isOwn = (code: string, visitor: string | undefined) =>
  visitor !== undefined && code === provenCode(visitor, code.slice(0, 4))

/** The codes that this visitor opened and when, the latest last. */
function opened(): [code: string, ms: number][] {
  const all = (get(openedKey()) ?? '').split(' ').map(entry => entry.split(','))
  return all
    .map(([code, ms]) => [code!, +ms!] as [string, number])
    .filter(([code, ms]) => CODE.test(code) && Date.now() - ms < REMEMBERED_MS)
}

const openedKey = () => 'opened:' + options.conferenceId

const lastOpened = () => opened().pop()?.[0]

const recorded = new Set<string>()
const cookielessCodes = new Map<string, string>()
hooks.reset.push(() => {
  recorded.clear()
  cookielessCodes.clear()
})

/**
 * The visitor's code for one purpose: the same for the same channel, target and parent, so that a link that is shown
 * again is the same link.
 */
function ownCode(...purpose: string[]): string {
  const visitor = visitorId()
  purpose.push(lastOpened() ?? '')
  if (visitor !== undefined) return provenCode(visitor, digest(visitor, ...purpose).slice(0, 4))
  // Nobody can prove an id that is forgotten every day.
  const key = purpose.join('\n')
  const code = cookielessCodes.get(key) ?? randomHex(8)
  cookielessCodes.set(key, code)
  return code
}

/** Records that the code was shared, or only made (`minted`), once a page. */
function recordShare(code: string, target: string, channel: string, minted: boolean): void {
  const key = code + minted
  if (recorded.has(key)) return
  recorded.add(key)
  record('share', {
    share_code: code,
    channel: channel || undefined,
    target_url: target.slice(0, MAX_LENGTH),
    parent_share_code: lastOpened(),
    minted: minted || undefined
  })
}

const targetUrl = (target: string | undefined) => cleanAddress(new URL(target ?? '', location.href).href)

function withCode(url: URL, code: string): string {
  const shared = new URL(url)
  shared.searchParams.set('_s', code)
  return shared.href
}

/** The link, and what records it. Without consent it is the bare address, and nothing is recorded. */
function makeLink(channel: string, target: string | undefined, minted = false): [link: string, recordIt: () => void] {
  if (typeof window === 'undefined') return [target ?? '', () => {}]
  const url = targetUrl(target)
  if (!isOn()) return [url.href, () => {}]
  const code = ownCode('link', channel, url.href)
  return [withCode(url, code), () => recordShare(code, url.href, channel, minted)]
}

/** A link of the visitor's own to the page shown, or to `target`; records the share. */
export function createShareLink({ channel = '', target, minted }: LinkOptions = {}): string {
  const [link, recordIt] = makeLink(channel, target, minted)
  recordIt()
  return link
}

/**
 * Opens the system's share sheet; call it in the handler of a tap. Returns whether the visitor shared; where there is
 * no such sheet, false.
 */
export async function share({ channel = 'system', target, title, text }: ShareOptions = {}): Promise<boolean> {
  const [url, recordIt] = makeLink(channel, target)
  if (typeof window === 'undefined' || !navigator.share) return false
  try {
    await navigator.share({ url, ...(title && { title }), ...(text && { text }) })
  } catch {
    return false // the visitor thought better of it
  }
  recordIt()
  return true
}

/**
 * Tells WeChat's JS-SDK what its menu shares: a link of the visitor's own. WeChat does not say whether the menu was used,
 * so the codes count as shared when somebody opens them.
 */
export function prepareWeChat(wx: WeChat, { target, ...card }: WeChatOptions): void {
  whenOn(() =>
    wx.ready(() => {
      for (const [channel, method] of [['wechat', 'updateAppMessageShareData'], ['wechat_moments', 'updateTimelineShareData']] as const) {
        const [link, recordIt] = makeLink(channel, target, true)
        wx[method]({ ...card, link, success: recordIt })
      }
    })
  )
}

const firstAddress = typeof location === 'undefined' ? '' : location.href.split('#')[0]!

/** The address that `wx.config` needs a signature of: on iOS the first one of the page, elsewhere the one shown. */
export const weChatSignatureAddress = (): string =>
  !firstAddress || /iP(hone|ad|od)/.test(navigator.userAgent) ? firstAddress : location.href.split('#')[0]!

/** What a form of ours wants to know besides what people fill in. */
export function registrationFields(): { visitor_id?: string, share_code?: string } {
  const visitor = visitorId()
  const code = isOn() ? lastOpened() : undefined
  return { ...(visitor && { visitor_id: visitor }), ...(code && { share_code: code }) }
}

/** Puts `registrationFields()` into a form, as hidden fields. Forms with `data-meeteasy` are filled when they are sent. */
export function fillForm(form: HTMLFormElement): void {
  for (const [name, value] of Object.entries(registrationFields())) {
    let field = form.querySelector<HTMLInputElement>(`input[name="${name}"]`)
    if (!field) {
      field = form.appendChild(document.createElement('input'))
      field.type = 'hidden'
      field.name = name
    }
    field.value = value
  }
}

let isFollowing = false

/**
 * Records when the page was opened by a share link, and puts a code of the visitor's own into the address bar then: people
 * pass on what stands there, and so does WeChat's menu. Fills in what registrations and forms need.
 */
export function followShares(): void {
  if (typeof window === 'undefined' || isFollowing) return
  isFollowing = true
  let current: string | undefined // the own code that stands in the address bar
  let conference: string | undefined // which it is of

  const look = () => {
    const url = new URL(location.href)
    const code = untail(url.searchParams.get('_s') ?? '')
    const visitor = visitorId()
    const clean = cleanAddress(location.href)
    // A single-page application may go on to another conference, where the code means nothing.
    const former = conference === options.conferenceId ? undefined : current
    if (former) current = undefined
    conference = options.conferenceId
    if (code && isOwn(code, visitor)) current = code
    else if (code && CODE.test(code) && !marks().has(code)) {
      const isNew = !opened().some(([known]) => known === code)
      if (isNew) {
        record('share_open', { share_code: code })
        const entries = [...opened(), [code, Date.now()]].slice(-MAX_REMEMBERED)
        put(openedKey(), entries.map(entry => entry.join()).join(' '))
      }
      // Without a lasting id the visitor's code could not be told from another's after a reload.
      if (visitor !== undefined) {
        current = ownCode('address')
        if (isNew) recordShare(current, clean.href, '', true)
      }
    }
    if (current) {
      marks().add(current)
      replaceAddress(withCode(clean, current))
    } else if (!code || code === former) replaceAddress(clean.href)
  }
  hooks.record.push(event => {
    if (event.type !== 'registration') return
    event.share_code ??= lastOpened()
    // Where the page after our own form says its receipt, both reports are about one registration.
    const receipt = document.querySelector<HTMLElement>('[data-meeteasy-receipt]')?.dataset.meeteasyReceipt
    if (receipt) event.registration_id ??= receipt
  })
  hooks.reset.push(() => {
    current = undefined
    replaceAddress(cleanAddress(location.href).href)
  })
  document.addEventListener('submit', event => {
    const form = event.target as HTMLFormElement
    if (form.dataset.meeteasy !== undefined) fillForm(form)
  }, true)
  // Visitors do not share a frame's address, and a site that embeds a page with a code has not opened it.
  const mark = 'shares:' + options.conferenceId
  if (window.top !== window.self || marks().has(mark)) return
  marks().add(mark)
  whenShown(() => whenOn(() => {
    look()
    onNavigate(look)
    hooks.init.push(look)
  }))
}
