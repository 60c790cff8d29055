// Page views, single-page applications included.

import { record } from './core.js'
import { options } from './options.js'

const MAX_LENGTH = 2048
// What WeChat adds to the addresses that are shared in it.
const WECHAT_ORIGINS = ['singlemessage', 'groupmessage', 'timeline']

export interface PageViewOptions {
  /** Whether every change of the hash is a page. By default only routes are: `#/agenda`, `#!agenda`. */
  anyHash?: boolean | undefined
}

/** @internal An address without share code and without what WeChat adds. */
export function cleanAddress(address: string): URL {
  const url = new URL(address)
  const { searchParams } = url
  // Only if there is something to remove: searchParams also rewrites the rest in its own spelling.
  if (searchParams.has('_s')) searchParams.delete('_s')
  if (searchParams.has('isappinstalled')) searchParams.delete('isappinstalled')
  if (WECHAT_ORIGINS.includes(searchParams.get('from') ?? '')) searchParams.delete('from')
  return url
}

const listeners: (() => void)[] = []
const { pushState, replaceState } = typeof history === 'undefined' ? ({} as History) : history

/** @internal Calls `listener` after each change of the address within the page. */
export function onNavigate(listener: () => void): void {
  listeners.push(listener)
  if (listeners.length > 1) return
  const notify = () => listeners.forEach(tell => tell())
  history.pushState = function (...given) {
    pushState.apply(this, given)
    notify()
  }
  history.replaceState = function (...given) {
    replaceState.apply(this, given)
    notify()
  }
  addEventListener('popstate', notify)
  addEventListener('hashchange', notify)
}

/** @internal Changes the address without being a navigation; the page's own state stays. */
export function replaceAddress(address: string): void {
  try {
    if (address !== location.href) replaceState.call(history, history.state, '', address)
  } catch {
    // Pages out of a file, and those that change their address too often, have to keep it.
  }
}

/** @internal Acts when the page is shown: one that is only prepared may never be seen. */
export function whenShown(act: () => void): void {
  if ((document as { prerendering?: boolean }).prerendering) {
    document.addEventListener('prerenderingchange', act, { once: true })
  } else act()
}

/** @internal What is done already on this page, by any copy of the SDK: there may be two, by mistake or by a reload. */
export const marks = () =>
  ((window as unknown as Record<symbol, Set<string>>)[Symbol.for('meeteasy')] ??= new Set())

let isTracking = false

/** Records a page view now and whenever another page is shown. Calling it again changes nothing. */
export function trackPageViews({ anyHash = false }: PageViewOptions = {}): void {
  if (typeof window === 'undefined' || isTracking) return
  isTracking = true
  const mark = 'views:' + options.conferenceId
  if (marks().has(mark)) return
  marks().add(mark)
  let shown: string | undefined
  let previous = document.referrer && cleanAddress(document.referrer).href

  const view = (again: boolean) => {
    const url = cleanAddress(location.href)
    const route = anyHash || /^#[/!]/.test(url.hash) ? url.hash : ''
    const page = url.pathname + route.split('?')[0]
    const address = url.pathname + url.search + route
    if (address === shown && !again) return
    shown = address
    record('page_view', {
      page: page.slice(0, MAX_LENGTH),
      url: url.href.slice(0, MAX_LENGTH),
      referrer: previous.slice(0, MAX_LENGTH) || undefined,
      title: document.title.slice(0, MAX_LENGTH) || undefined
    })
    previous = url.href
  }

  whenShown(() => {
    view(false)
    onNavigate(() => view(false))
    addEventListener('pageshow', event => event.persisted && view(true))
  })
}
