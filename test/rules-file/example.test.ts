import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { compileMatcher } from '../../src/capture/match.ts'
import { readMatchRequest } from '../../src/capture/match-request.ts'
import { rulesDeps } from '../../src/gateway/rules-deps.ts'
import { loadRules } from '../../src/rules-file/load.ts'

const example = fileURLToPath(new URL('../../rules.example.json', import.meta.url))
const values: Readonly<Record<string, string>> = {
  META_TOKEN: `EAA${'x'.repeat(60)}`,
  GA4_SECRET: 'aBcDeFgHiJkLmNoPqRsTuV',
  CRM_TOKEN: 'Bearer sesame',
}

const load = () =>
  loadRules(example, {
    platforms: rulesDeps({}).platforms,
    resolveSecret: (reference) => {
      const name = '$env' in reference ? reference.$env : reference.$file
      return name in values ? { value: values[name]! } : { problem: `${name} is not set` }
    },
  })

test('the example has no problem and no doubtful rule', async () => {
  const loaded = await load()
  expect(loaded).toMatchObject({ ok: true, warnings: [] })
  expect(loaded.ok && loaded.sites[0]!.integrations.map(({ platform }) => platform)).toEqual([
    'meta',
    'ga4',
    'webhook',
  ])
})

test.each([
  ['/order-received/1042?status=paid', ['order-placed'], '1042'],
  ['/checkout/thank-you?status=paid', ['order-placed'], undefined],
  ['/checkout/thank-you?status=open', [], undefined],
  ['/products/shoe', ['product-viewed'], undefined],
  ['/products/gift-cards', [], undefined],
  ['/contact/sent', ['lead-sent'], undefined],
  ['/', [], undefined],
])('the example fires for %s: %j', async (target, rules, orderId) => {
  const loaded = await load()
  if (!loaded.ok) throw new Error('the example is broken')
  const request = readMatchRequest({ method: 'GET', target, rawHeaders: ['Host', 'www.shop.example.com'] })!
  const site = compileMatcher(loaded.sites.map(({ traffic }) => traffic)).site(request.host)!
  const candidates = site.candidates(request)
  expect(candidates.map(({ rule }) => rule.rule.id)).toEqual(rules)
  expect(candidates[0]?.params['orderId']).toBe(orderId)
})
