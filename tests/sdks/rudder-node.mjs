// node rudder-node.mjs <address> <write key>
import RudderAnalytics from '@rudderstack/rudder-sdk-node'

const [dataPlaneUrl, writeKey] = process.argv.slice(2)
const client = new RudderAnalytics(writeKey, {
  dataPlaneUrl,
  flushInterval: 200,
  errorHandler: error => {
    console.error(error)
    process.exitCode = 1
  }
})
const anonymousId = 'visitor-rudder-node'
client.page({ anonymousId, messageId: 'rn-page', name: 'Agenda', properties: { path: '/agenda' } })
client.track({ anonymousId, messageId: 'rn-track', event: 'Signed Up', properties: { formId: 'vip' } })
client.identify({ userId: 'u-1', messageId: 'rn-identify', traits: { email: 'ann@example.com' } })
await client.flush()
await new Promise(resolve => setTimeout(resolve, 1500)) // longer than the pause before it would send again
process.exit(process.exitCode ?? 0)
