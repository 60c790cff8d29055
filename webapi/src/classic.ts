// The classic script: `window.meeteasy` has all functions of the package. With `data-conference` on its element it
// starts by itself, so a page with a strict Content-Security-Policy needs no script of its own.

import * as analytics from './analytics.js'
import { clock } from './core.js'

type Call = [name: string, given: unknown[], ms: number]

const script = document.currentScript as HTMLScriptElement | null
const functions = analytics as unknown as Record<string, (...given: unknown[]) => unknown>
const found = (window as unknown as { meeteasy?: { init?: unknown, q?: Call[] } }).meeteasy
// Where the script is there twice, the page goes on with the first, which it may have started.
if (!found?.init || found.q) Object.assign(window, { meeteasy: analytics })

if (script?.dataset.conference) {
  analytics.init({
    conferenceId: script.dataset.conference,
    endpoint: script.dataset.endpoint ?? new URL('/api/analytics/events', script.src || location.href).href,
    cookieless: script.dataset.cookieless !== undefined
  })
  analytics.followShares()
  analytics.trackPageViews()
}

// What was called while the script was on its way, at the time when it was called.
for (const [name, given, ms] of found?.q?.splice(0) ?? []) {
  clock.now = () => ms
  try {
    functions[name]?.(...given)
  } catch (error) {
    console.error(error) // a mistake in one call costs no other
  }
}
clock.now = () => Date.now()
