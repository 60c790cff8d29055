// The classic script: `window.meeteasy` has all functions of the package. With `data-conference` on its element it
// starts by itself, so a page with a strict Content-Security-Policy needs no script of its own.

import * as analytics from './analytics.js'
import { clock } from './core.js'

type Call = [name: string, given: unknown[], ms: number]

const script = document.currentScript as HTMLScriptElement | null
const functions = analytics as unknown as Record<string, (...given: unknown[]) => unknown>
const stub = (window as unknown as { meeteasy?: { q?: Call[] } }).meeteasy
Object.assign(window, { meeteasy: analytics })

if (script?.dataset.conference) {
  analytics.init({
    conferenceId: script.dataset.conference,
    endpoint: script.dataset.endpoint ?? new URL('/api/analytics/events', script.src).href,
    cookieless: script.dataset.cookieless !== undefined
  })
  analytics.followShares()
  analytics.trackPageViews()
}

// What was called while the script was on its way, at the time when it was called.
for (const [name, given, ms] of stub?.q?.splice(0) ?? []) {
  clock.now = () => ms
  functions[name]?.(...given)
}
clock.now = () => Date.now()
