// node segment-node.mjs <address> <write key>
import { Analytics } from '@segment/analytics-node'

const [host, writeKey] = process.argv.slice(2)
const analytics = new Analytics({ host, writeKey, flushInterval: 200 })
analytics.on('error', error => {
  console.error(error)
  process.exitCode = 1
})
const anonymousId = 'visitor-segment-node'
analytics.page({ anonymousId, messageId: 'sn-page', properties: { path: '/agenda', url: 'https://example.org/agenda' } })
analytics.track({ anonymousId, messageId: 'sn-track', event: 'Signed Up', properties: { formId: 'vip' } })
analytics.track({ anonymousId, messageId: 'sn-unknown', event: 'Video Played' })
analytics.identify({ userId: 'u-1', messageId: 'sn-identify', traits: { email: 'ann@example.com' } })
await analytics.closeAndFlush({ timeout: 10_000 })
