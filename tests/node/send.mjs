// Sends every kind of call with Segment's library for Node, pointed at another host and otherwise as it comes.
// Prints what the library put on the wire, one request body a line, then {"errors": [...]}.
//
//   node send.mjs HOST WRITE_KEY

import { Analytics } from '@segment/analytics-node'

const [host, writeKey] = process.argv.slice(2)
const analytics = new Analytics({ host, writeKey, flushAt: 4 })
const errors = []
analytics.on('error', (error) => errors.push(String(error.reason ?? error)))
analytics.on('http_request', ({ body }) => console.log(body))

const who = { userId: 'node-user-1', anonymousId: 'node-anonymous-1' }
const when = new Date(Date.now() - 60_000)

analytics.identify({ ...who, traits: { email: 'anna@example.org', firstName: 'Änne', address: { city: 'Köln' }, age: 41 } })
analytics.track({
  ...who,
  event: 'Order Completed',
  timestamp: when,
  properties: {
    order_id: 'N-1', total: 119.9, currency: 'EUR',
    products: [{ product_id: 'P-1', name: 'Espresso ☕ 250 g', price: 12.5, quantity: 2 }],
  },
  context: { locale: 'de-DE', campaign: { name: 'Herbst', source: 'newsletter' } },
  integrations: { All: true, Mixpanel: false },
})
analytics.page({ ...who, category: 'Docs', name: 'Home', properties: { url: 'https://shop.example/?q=%C3%A4&x=1' } })
analytics.screen({ ...who, name: 'Welcome', properties: { width: 320 } })
analytics.group({ ...who, groupId: 'company-1', traits: { name: 'Beispiel GmbH', employees: 12 } })
analytics.alias({ userId: 'node-user-1', previousId: 'node-anonymous-1' })
analytics.track({ anonymousId: 'node-anonymous-2', event: 'Signed Up', messageId: 'own-message-id', properties: { odd: [null, true, 1e-7, ''] } })
for (let i = 0; i < 30; i++) analytics.track({ ...who, event: 'Feature Used', properties: { feature: 'export', i } })

await analytics.closeAndFlush({ timeout: 20_000 })
console.log(JSON.stringify({ errors }))
