import { describe, expect, test } from 'vitest'
import { createKeys } from '../../src/admin/keys.ts'
import { StoreError } from '../../src/store/store.ts'
import { openSqliteBench } from '../store/sqlite/bench.ts'
import { addressOf, adminKey, startSettingsScene } from './settings-scene.ts'

const keys = '/api/v1/sites/shop/keys'
const integrations = '/api/v1/sites/shop/integrations'

describe('a key of a site', () => {
  test('is shown when it is made, and never again', async () => {
    await using it = await startSettingsScene()
    const made = await it.ask('POST', keys, { body: { name: 'the CRM', scopes: ['write', 'read', 'read'] } })
    expect(made.status).toBe(201)
    expect(made.json).toMatchObject({ name: 'the CRM', scopes: ['read', 'write'] })
    const { id, key, prefix } = made.json
    expect(key).toMatch(/^sluice_[0-9a-f]{16}_[\w-]{43}$/)
    expect(key.startsWith(prefix)).toBe(true)
    expect(key.length - prefix.length).toBe(43)

    const listed = await it.ask('GET', keys)
    expect(listed.json.keys).toMatchObject([{ id, name: 'the CRM', prefix, scopes: ['read', 'write'] }])
    const secret = key.slice(prefix.length)
    for (const { text } of [listed, await it.ask('GET', '/api/v1/sites/shop/audit')]) {
      expect(text).not.toContain(secret)
      expect(text).not.toContain('hash')
    }
    await it.store.close()
    expect((await it.bytes()).includes(secret)).toBe(false)
    expect((await it.bytes()).includes(id)).toBe(true)
  })

  test('opens at once what its scopes say, and nothing else', async () => {
    await using it = await startSettingsScene()
    const reading = await it.key(['read'])
    expect((await it.ask('GET', integrations, { key: reading })).status).toBe(200)
    const refused = await it.ask('PUT', `${integrations}/data-layer`, { key: reading, body: {} })
    expect(refused.status).toBe(403)
    expect(refused.json.error).toContain('"write"')
    const writing = await it.key(['write'])
    expect((await it.ask('PUT', `${integrations}/data-layer`, { key: writing, body: {} })).status).toBe(200)
    expect((await it.ask('GET', integrations, { key: writing })).status).toBe(403)
  })

  test('is of no use from the moment in which it is revoked', async () => {
    await using it = await startSettingsScene()
    const key = await it.key(['read'])
    const other = await it.key(['read'])
    expect((await it.ask('GET', integrations, { key })).status).toBe(200)
    const id = key.split('_')[1] ?? ''
    expect((await it.ask('DELETE', `${keys}/${id}`)).status).toBe(204)
    expect((await it.ask('GET', integrations, { key })).status).toBe(401)
    expect((await it.ask('GET', integrations, { key: other })).status).toBe(200)
    expect((await it.ask('DELETE', `${keys}/${id}`)).status).toBe(404)
    const { changes } = (await it.ask('GET', '/api/v1/sites/shop/audit')).json
    expect(changes.map(({ action }: { action: string }) => action)).toEqual([
      'key.revoked',
      'key.created',
      'key.created',
    ])
    expect(changes[0]).toMatchObject({ who: 'admin', target: id })
  })

  test('makes, lists and revokes no keys, whatever its scopes', async () => {
    await using it = await startSettingsScene()
    const key = await it.key(['ingest', 'read', 'write'])
    const id = key.split('_')[1] ?? ''
    for (const answer of [
      await it.ask('POST', keys, { key, body: { name: 'heir', scopes: ['write'] } }),
      await it.ask('GET', keys, { key }),
      await it.ask('DELETE', `${keys}/${id}`, { key }),
    ]) {
      expect(answer.status).toBe(403)
      expect(answer.json.error).toContain('Only the admin key')
    }
    expect((await it.ask('GET', keys)).json.keys).toHaveLength(1)
  })

  test('never sees another site, on any route', async () => {
    await using it = await startSettingsScene()
    const key = await it.key(['ingest', 'read', 'write'], 'blog')
    const own = await it.ask('GET', '/api/v1/sites/blog/integrations', { key })
    expect(own.status).toBe(200)
    expect(it.routes.length).toBeGreaterThan(20)
    for (const { method, path } of it.routes) {
      const body = method === 'PUT' || method === 'POST' ? {} : undefined
      const strange = await it.ask(method, addressOf(path, 'shop'), { key, body })
      const unheardOf = await it.ask(method, addressOf(path, 'nobody'), { key, body })
      expect([method, path, strange.status, unheardOf.status]).toEqual([method, path, 404, 404])
      // One that exists and one that does not are answered alike.
      expect(strange.text.replaceAll('shop', 'nobody')).toBe(unheardOf.text)
    }
    expect((await it.store.documents('integration')).length).toBe(0)
    expect((await it.store.documents('data-layer')).length).toBe(0)
  })

  test('of another site cannot be revoked through this one', async () => {
    await using it = await startSettingsScene()
    const key = await it.key(['read'], 'blog')
    const id = key.split('_')[1] ?? ''
    expect((await it.ask('DELETE', `${keys}/${id}`)).status).toBe(404)
    expect((await it.ask('GET', '/api/v1/sites/blog/integrations', { key })).status).toBe(200)
  })

  test.each([
    ['nothing', undefined],
    ['no scope', { name: 'a', scopes: [] }],
    ['an unknown scope', { name: 'a', scopes: ['admin'] }],
    ['no name', { scopes: ['read'] }],
    ['a name of blanks', { name: '   ', scopes: ['read'] }],
    ['an unknown field', { name: 'a', scopes: ['read'], site: 'blog' }],
    ['a list', []],
    ['too many scopes', { name: 'a', scopes: Array.from({ length: 1_000 }, () => 'read') }],
    ['a poisoned object', '{"name":"a","scopes":["read"],"__proto__":{"admin":true}}'],
    ['deep nesting', `{"name":${'['.repeat(100_000)}${']'.repeat(100_000)},"scopes":["read"]}`],
  ])('is not made from %s', async (_, body) => {
    await using it = await startSettingsScene()
    const answer = await it.ask('POST', keys, { body })
    expect(answer.status).toBe(400)
    expect(answer.json.code).toBe('bad_request')
    expect(it.faults).toEqual([])
    expect((await it.ask('GET', keys)).json.keys).toEqual([])
  })
})

describe('a token', () => {
  test.each([
    ['of the admin key, cut short', adminKey.slice(0, -1)],
    ['of the right form that nobody made', `sluice_0123456789abcdef_${'A'.repeat(43)}`],
    ['of another form', 'sluice_x_y'],
    ['that is endless', 'a'.repeat(10_000)],
  ])('%s opens nothing', async (_, token) => {
    await using it = await startSettingsScene()
    const answer = await it.ask('GET', integrations, { key: token })
    expect(answer.status).toBe(401)
    expect(answer.text).not.toContain(token)
  })

  test('with the id of a key and another secret opens nothing', async () => {
    await using it = await startSettingsScene()
    const key = await it.key(['read'])
    const other = await it.key(['read'])
    const mixed = `${key.slice(0, 24)}${other.slice(24)}`
    expect(mixed).not.toBe(key)
    expect((await it.ask('GET', integrations, { key: mixed })).status).toBe(401)
  })

  test('revoked by another process is refused within a second', async () => {
    await using bench = await openSqliteBench()
    let now = 1_000_000
    const here = createKeys(bench.store, null, () => now)
    const elsewhere = createKeys(bench.store, null, () => now)
    const entry = () => ({ at: 1, site: 'shop', who: 'admin', action: 'a', target: 't', detail: '{}' })
    const { key, token } = await elsewhere.create({ site: 'shop', name: 'a', scopes: ['read'] }, now, entry)
    expect(await here.grantOf(token)).toMatchObject({ id: key.id, site: 'shop' })
    await elsewhere.revoke('shop', key.id, entry)
    now += 1_000
    expect(await here.grantOf(token)).toBeNull()
  })

  test('is never granted when the store cannot be asked, and the admin key needs no store', async () => {
    await using bench = await openSqliteBench()
    let broken = false
    const store = {
      ...bench.store,
      documentsVersion: () =>
        broken ? Promise.reject(new StoreError('failed', 'no disk')) : bench.store.documentsVersion(),
    }
    let now = 1_000_000
    const ring = createKeys(store, adminKey, () => now)
    const entry = () => ({ at: 1, site: 'shop', who: 'admin', action: 'a', target: 't', detail: '{}' })
    const { token } = await ring.create({ site: 'shop', name: 'a', scopes: ['read'] }, now, entry)
    broken = true
    now += 5_000
    await expect(ring.grantOf(token)).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(await ring.grantOf(adminKey)).toMatchObject({ id: 'admin', site: null })
    broken = false
    expect(await ring.grantOf(token)).not.toBeNull()
  })
})
