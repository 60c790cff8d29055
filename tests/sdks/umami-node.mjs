// node umami-node.mjs <address> <website id>
import { Umami } from '@umami/node'

const [hostUrl, websiteId] = process.argv.slice(2)
const umami = new Umami({ hostUrl, websiteId })
const answers = [
  await umami.track({ url: '/agenda', hostname: 'example.org', title: 'Agenda' }),
  await umami.track({ url: '/agenda', hostname: 'example.org', name: 'signup', data: { form_id: 'vip' } }),
  await umami.identify({ email: 'ann@example.com' })
]
if (answers.some(answer => !answer.ok)) process.exitCode = 1
for (const answer of answers) console.log(JSON.stringify(await answer.json()))
