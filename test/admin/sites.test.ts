import { expect, test } from 'vitest'
import type { Keys } from '../../src/admin/keys.ts'
import { integrationOf, startAdminScene } from '../support/admin.ts'

const hook = integrationOf('shop', { id: 'crm', platform: 'webhook', config: { url: 'http://127.0.0.1:9/' } })
const sites = [
  { id: 'shop', currency: 'EUR', hosts: ['shop.example.com'], publicIngest: true, integrations: [hook] },
  { id: 'blog', integrations: [] },
]
const shop = {
  id: 'shop',
  hosts: ['shop.example.com'],
  currency: 'EUR',
  ingest: { public: true },
  integrations: [{ id: 'crm', platform: 'webhook', managedBy: 'rules file' }],
}
const blog = { id: 'blog', hosts: [], currency: null, ingest: { public: false }, integrations: [] }

const reader: Keys = {
  grantOf: async (token) =>
    token === 'a-reader' ? { id: 'k', site: 'shop', scopes: new Set(['read'] as const) } : null,
}

test('sites are listed with their hosts and integrations, and one is found by its name', async () => {
  await using it = await startAdminScene(sites)
  expect((await it.ask('GET', '/api/v1/sites')).json).toEqual({ sites: [shop, blog] })
  expect((await it.ask('GET', '/api/v1/sites/shop')).json).toEqual(shop)
  expect((await it.ask('GET', '/api/v1/sites/nobody')).status).toBe(404)
})

test('a site’s key sees its own and no other', async () => {
  await using it = await startAdminScene(sites, { keys: reader })
  const key = 'a-reader'
  expect((await it.ask('GET', '/api/v1/sites', { key })).json).toEqual({ sites: [shop] })
  expect((await it.ask('GET', '/api/v1/sites/blog', { key })).status).toBe(404)
})
