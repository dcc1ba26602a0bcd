import { rm } from 'node:fs/promises'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { EventId } from '../../src/event/brand.ts'
import { startWebhook } from '../platforms/webhook.ts'
import { integrationOf } from '../support/admin.ts'
import { captured } from '../support/events.ts'
import { until } from '../support/until.ts'
import { sealingKeys, startSettingsScene, temporaryFolder } from './settings-scene.ts'

const base = '/api/v1/sites/shop/integrations'
const token = 'EAAB-a-token-that-nobody-may-see'
const meta = { enabled: true, config: { pixelId: '1234567890', accessToken: token } }
const hook = (url: string, over: object = {}) => ({
  platform: 'webhook',
  config: { url, auth: { type: 'bearer', token: 'the-token-of-the-crm' } },
  ...over,
})
const nowhere = 'https://crm.example.com/in'
const sale = (id: string) => captured({ id: id as EventId, occurredAt: Date.now() })

const declared = integrationOf('shop', {
  id: 'ga4',
  platform: 'ga4',
  config: { measurementId: 'G-ABC1234567', apiSecret: 'a-secret-of-the-rules-file' },
})

describe('an integration made through the API', () => {
  test('is read back as it was written, its secrets masked', async () => {
    await using it = await startSettingsScene()
    const body = {
      ...meta,
      eventMapping: { purchase: 'Purchase2' },
      reverseEventMapping: { bought: 'purchase' },
      eventFilters: {
        purchase: { enabled: true, conditions: [{ field: 'value', operator: 'gt', value: 10 }] },
      },
      testMode: true,
    }
    const made = await it.ask('PUT', `${base}/meta`, { body })
    expect(made.status).toBe(201)
    expect(made.headers['location']).toBe(`${base}/meta`)
    const read = await it.ask('GET', `${base}/meta`)
    expect(read.status).toBe(200)
    expect(read.headers['etag']).toBe(made.headers['etag'])
    expect(read.json).toMatchObject({
      ...body,
      id: 'meta',
      platform: 'meta',
      status: 'active',
      managedBy: 'api',
      config: { pixelId: '1234567890', accessToken: '***' },
    })
    expect((await it.ask('GET', base)).json.integrations).toEqual([read.json])
  })

  test('keeps its secrets out of every answer, the audit log and the bytes on the disk', async () => {
    await using it = await startSettingsScene()
    const answers = [
      await it.ask('PUT', `${base}/meta`, { body: meta }),
      await it.ask('PUT', `${base}/crm`, {
        body: hook(nowhere, { config: { url: nowhere, headers: { 'X-Key': token } } }),
      }),
      await it.ask('PUT', `${base}/meta`, { body: { config: { ...meta.config, accessToken: `${token}2` } } }),
      await it.ask('GET', base),
      await it.ask('GET', `${base}/meta`),
      await it.ask('GET', `${base}/webhooks`),
      await it.ask('DELETE', `${base}/crm`),
      await it.ask('GET', '/api/v1/sites/shop/audit'),
    ]
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 200, 200, 200, 200, 204, 200])
    for (const { text } of answers) expect(text).not.toContain('nobody-may-see')
    expect((await it.bytes()).includes('nobody-may-see')).toBe(false)
    await it.store.close()
    const bytes = await it.bytes()
    expect(bytes.includes('nobody-may-see')).toBe(false)
    expect(bytes.includes('1234567890')).toBe(true)
  })

  test('is found by its platform, in any case and by its aliases, and by its own name', async () => {
    await using it = await startSettingsScene()
    expect((await it.ask('PUT', `${base}/twitter`, { body: {} })).json.issues).not.toEqual([])
    await it.ask('PUT', `${base}/facebook-eu`, { body: { ...meta, platform: 'Meta' } })
    for (const name of ['facebook-eu', 'meta', 'META'])
      expect((await it.ask('GET', `${base}/${name}`)).json.id).toBe('facebook-eu')
    await it.ask('PUT', `${base}/facebook-us`, { body: { ...meta, platform: 'meta' } })
    const several = await it.ask('GET', `${base}/meta`)
    expect(several.status).toBe(409)
    expect(several.json.error).toContain('facebook-eu, facebook-us')
  })

  test('may say its provider in the body, too, as the documents have it', async () => {
    await using it = await startSettingsScene()
    const body = { provider: 'webhook', enabled: true, config: { url: 'https://crm.example.com/in' } }
    expect((await it.ask('PUT', `${base}/webhook`, { body })).status).toBe(201)
    expect((await it.ask('PUT', `${base}/webhook`, { body })).status).toBe(200)
    expect((await it.ask('PUT', `${base}/crm`, { body })).json).toMatchObject({
      id: 'crm',
      platform: 'webhook',
    })
    expect((await it.ask('PUT', `${base}/crm`, { body: { ...body, provider: 'crm' } })).status).toBe(200)
    const wrong = await it.ask('PUT', `${base}/crm`, { body: { ...body, provider: 'meta' } })
    expect([wrong.status, wrong.json.issues]).toEqual([
      400,
      [{ path: 'provider', message: 'this is "crm", of webhook' }],
    ])
  })

  test('made under a platform’s alias bears the platform’s name', async () => {
    await using it = await startSettingsScene()
    const made = await it.ask('PUT', `${base}/gads`, { body: { enabled: false, config: {} } })
    expect(made.status).toBe(400)
    expect(made.json.issues.every(({ path }: { path: string }) => path.startsWith('config'))).toBe(true)
  })

  test('is paused and enabled by one word, everything else staying as it is', async () => {
    await using it = await startSettingsScene()
    await it.ask('PUT', `${base}/meta`, { body: { ...meta, eventMapping: { purchase: 'P' } } })
    const paused = await it.ask('PUT', `${base}/meta`, { body: { enabled: false } })
    expect(paused.status).toBe(200)
    expect(paused.json).toMatchObject({ enabled: false, status: 'paused', eventMapping: { purchase: 'P' } })
    expect(it.managed.current()[0]).toMatchObject({ paused: true, settings: { accessToken: token } })
    await it.ask('PUT', `${base}/meta`, { body: { status: 'active', eventMapping: null } })
    expect((await it.ask('GET', `${base}/meta`)).json).toMatchObject({ enabled: true, eventMapping: {} })
    const both = await it.ask('PUT', `${base}/meta`, { body: { enabled: true, status: 'paused' } })
    expect(both.status).toBe(400)
  })

  test('keeps a secret that comes back masked, and takes one that comes back changed', async () => {
    await using it = await startSettingsScene()
    await it.ask('PUT', `${base}/meta`, { body: meta })
    const shown = (await it.ask('GET', `${base}/meta`)).json
    const back = await it.ask('PUT', `${base}/meta`, { body: { ...shown, name: 'Meta EU' } })
    expect(back.status).toBe(200)
    expect(it.managed.current()[0]).toMatchObject({ title: 'Meta EU', settings: { accessToken: token } })
    await it.ask('PUT', `${base}/meta`, { body: { config: { ...shown.config, accessToken: 'another-one' } } })
    expect(it.managed.current()[0]).toMatchObject({ settings: { accessToken: 'another-one' } })
  })

  test('does not take a masked secret where there is none to keep', async () => {
    await using it = await startSettingsScene()
    const body = { config: { pixelId: '1234567890', accessToken: '***' } }
    const answer = await it.ask('PUT', `${base}/meta`, { body })
    expect(answer.status).toBe(400)
    expect(answer.json.issues).toEqual([
      { path: 'config.accessToken', message: expect.stringContaining('give the secret itself') },
    ])
  })

  test('does not send a kept secret to an address that somebody changed', async () => {
    await using it = await startSettingsScene()
    await it.ask('PUT', `${base}/meta`, { body: meta })
    await it.ask('PUT', `${base}/crm`, { body: hook(nowhere) })
    const thief = 'https://thief.example.com/in'
    const key = await it.key(['read', 'write'])
    const tries = [
      ['meta', { endpoint: thief }],
      ['meta', { endpoint: thief, config: { pixelId: '1234567890', accessToken: '***' } }],
      ['crm', { endpoint: thief }],
      ['crm', { config: { url: thief, auth: { type: 'bearer', token: '***' } } }],
    ] as const
    for (const [id, body] of tries) {
      const answer = await it.ask('PUT', `${base}/${id}`, { key, body })
      expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('give the secret again')])
    }
    const anew = { url: thief, auth: { type: 'bearer', token: 'their-own' } }
    expect((await it.ask('PUT', `${base}/crm`, { key, body: { config: anew } })).status).toBe(200)
  })

  test('takes no reference to the environment or to a file of the gateway', async () => {
    await using it = await startSettingsScene()
    for (const accessToken of [{ $env: 'SLUICE_ADMIN_KEY' }, { $file: '/etc/passwd' }]) {
      const answer = await it.ask('PUT', `${base}/meta`, {
        body: { config: { ...meta.config, accessToken } },
      })
      expect(answer.status).toBe(400)
      expect(answer.json.issues).toMatchObject([
        { path: 'config.accessToken', message: expect.stringContaining('rules file only') },
      ])
    }
  })

  test('is validated by its platform’s own schema, with a sentence for each field', async () => {
    await using it = await startSettingsScene()
    const config = { pixelId: 1234, acessToken: 'secret-in-the-wrong-place' }
    const answer = await it.ask('PUT', `${base}/meta`, { body: { config } })
    expect(answer.status).toBe(400)
    expect(answer.json.issues).toEqual([
      { path: 'config.pixelId', message: 'expected text, found a number' },
      { path: 'config.acessToken', message: 'unknown key "acessToken"; did you mean "accessToken"?' },
    ])
    expect(answer.text).not.toContain('secret-in-the-wrong-place')
  })

  test('is deleted, with its history kept', async () => {
    await using it = await startSettingsScene()
    await using platform = await startWebhook()
    await it.ask('PUT', `${base}/crm`, { body: hook(`${platform.url}/in`) })
    await it.intake.accept([sale('e1')])
    const story = `/api/v1/sites/shop/events/e1`
    await until(
      () => it.ask('GET', story),
      ({ json }) => json.deliveries[0].status === 'sent',
    )
    expect((await it.ask('DELETE', `${base}/crm`)).status).toBe(204)
    expect((await it.ask('GET', `${base}/crm`)).status).toBe(404)
    expect((await it.ask('DELETE', `${base}/crm`)).status).toBe(404)
    expect((await it.ask('GET', story)).json.deliveries).toMatchObject([
      { integration: 'crm', status: 'sent' },
    ])
    const logs = await it.ask('GET', `${base}/crm/logs`)
    expect([logs.status, logs.json]).toMatchObject([200, { logs: [{ eventId: 'e1' }], deleted: true }])
    expect((await it.ask('GET', `${base}/crm/logs?status=failed`)).json).toMatchObject({ logs: [] })
    expect((await it.ask('GET', `${base}/webhooks/crm/logs`)).json.logs).toHaveLength(1)
    expect((await it.ask('GET', '/api/v1/sites/shop/events?platform=crm')).json.events).toHaveLength(1)
    for (const name of ['another', 'webhooks/another', 'webhooks/webhook'])
      expect((await it.ask('GET', `${base}/${name}/logs`)).status).toBe(404)
    await it.store.sweep(Date.now() + 1_000)
    expect((await it.ask('GET', `${base}/crm/logs`)).status).toBe(404)
  })
})

describe('a change', () => {
  test('takes effect at once in lanes that are running', async () => {
    await using it = await startSettingsScene()
    await using first = await startWebhook()
    await using second = await startWebhook()
    const sent = (id: string) =>
      until(
        () => it.ask('GET', `/api/v1/sites/shop/events/${id}`),
        ({ json }) => json.deliveries?.[0]?.status === 'sent',
      )
    await it.ask('PUT', `${base}/crm`, { body: hook(`${first.url}/in`) })
    await it.intake.accept([sale('e1')])
    await sent('e1')
    await it.ask('PUT', `${base}/crm`, { body: { config: hook(`${second.url}/in`).config } })
    await it.intake.accept([sale('e2')])
    await sent('e2')
    expect([first.requests.length, second.requests.length]).toEqual([1, 1])
    await it.ask('PUT', `${base}/crm`, { body: { enabled: false } })
    await it.intake.accept([sale('e3')])
    const { json } = await it.ask('GET', '/api/v1/sites/shop/events/e3')
    expect(json.deliveries).toMatchObject([{ status: 'paused' }])
  })

  test('by somebody who saw an older version is refused with 412, and changes nothing', async () => {
    await using it = await startSettingsScene()
    const { headers } = await it.ask('PUT', `${base}/meta`, { body: meta })
    const seen = String(headers['etag'])
    const match = { headers: { 'if-match': seen } }
    const changed = await it.ask('PUT', `${base}/meta`, { ...match, body: { name: 'one' } })
    expect(changed.status).toBe(200)
    expect(changed.headers['etag']).not.toBe(seen)
    for (const late of [
      await it.ask('PUT', `${base}/meta`, { ...match, body: { name: 'two' } }),
      await it.ask('DELETE', `${base}/meta`, match),
      await it.ask('PUT', `${base}/meta`, { body: meta, headers: { 'if-none-match': '*' } }),
      await it.ask('PUT', `${base}/new`, {
        body: { ...meta, platform: 'meta' },
        headers: { 'if-match': '*' },
      }),
      await it.ask('PUT', `${base}/meta`, { body: { version: 0 } }),
      await it.ask('PUT', `${base}/meta`, {
        body: { name: 'two' },
        headers: { 'if-match': `W/${String(changed.headers['etag'])}` },
      }),
    ])
      expect([late.status, late.json.code]).toEqual([412, 'precondition_failed'])
    expect((await it.ask('GET', `${base}/meta`)).json.name).toBe('one')
    const current = { headers: { 'if-match': `"1234", ${String(changed.headers['etag'])}` } }
    expect((await it.ask('DELETE', `${base}/meta`, current)).status).toBe(204)
  })

  test('of twenty at the same time with the same If-Match succeeds once; without it each is made', async () => {
    await using it = await startSettingsScene()
    const { headers } = await it.ask('PUT', `${base}/meta`, { body: meta })
    const racing = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        it.ask('PUT', `${base}/meta`, {
          body: { name: `n${index}` },
          headers: { 'if-match': String(headers['etag']) },
        }),
      ),
    )
    expect(racing.map(({ status }) => status).sort((a, b) => a - b)).toEqual([
      200,
      ...Array.from({ length: 19 }, () => 412),
    ])
    const both = await Promise.all([
      it.ask('PUT', `${base}/meta`, { body: { name: 'last' } }),
      it.ask('PUT', `${base}/meta`, { body: { enabled: false } }),
    ])
    expect(both.map(({ status }) => status)).toEqual([200, 200])
    expect((await it.ask('GET', `${base}/meta`)).json).toMatchObject({ name: 'last', enabled: false })
  })

  test('is in the audit log with who, when and what, secrets masked', async () => {
    await using it = await startSettingsScene()
    const key = await it.key(['read', 'write'])
    await it.ask('PUT', `${base}/meta`, { key, body: meta })
    await it.ask('PUT', `${base}/meta`, { key, body: { config: { ...meta.config, accessToken: 'new' } } })
    await it.ask('PUT', `${base}/meta`, { body: { enabled: false } })
    await it.ask('PUT', `${base}/meta`, { body: { enabled: 'no' } })
    await it.ask('DELETE', `${base}/meta`)
    const { json, text } = await it.ask('GET', '/api/v1/sites/shop/audit', { key })
    const id = key.split('_')[1]
    expect(json.changes).toMatchObject([
      { action: 'integration.deleted', who: 'admin', target: 'meta' },
      {
        action: 'integration.changed',
        who: 'admin',
        detail: { changed: { enabled: { before: true, after: false } } },
      },
      { action: 'integration.changed', who: id, detail: { changed: {}, secretsChanged: true } },
      {
        action: 'integration.created',
        who: id,
        detail: { changed: { config: { before: null, after: { accessToken: '***' } } } },
      },
      { action: 'key.created' },
    ])
    expect(Date.now() - Date.parse(json.changes[0].at)).toBeLessThan(60_000)
    expect(text).not.toContain(token)
    const page = await it.ask('GET', '/api/v1/sites/shop/audit?limit=2')
    const next = await it.ask('GET', `/api/v1/sites/shop/audit?limit=10&cursor=${page.json.nextCursor}`)
    expect([...page.json.changes, ...next.json.changes]).toEqual(json.changes)
    expect((await it.ask('GET', '/api/v1/sites/blog/audit')).json.changes).toEqual([])
  })

  test('made by another process is followed', async () => {
    const folder = await temporaryFolder()
    {
      await using here = await startSettingsScene({ folder })
      await using there = await startSettingsScene({ folder })
      await there.ask('PUT', `${base}/meta`, { body: meta })
      expect(here.managed.current()).toEqual([])
      await here.managed.refresh()
      expect(here.managed.current().map(({ id }) => id)).toEqual(['meta'])
    }
    await rm(folder, { recursive: true })
  })
})

describe('an integration of the rules file', () => {
  test('is listed and read, its secrets masked', async () => {
    await using it = await startSettingsScene({ declared: [declared] })
    await it.ask('PUT', `${base}/meta`, { body: meta })
    const { json, text } = await it.ask('GET', base)
    expect(json.integrations).toMatchObject([
      { id: 'ga4', managedBy: 'rules file', config: { measurementId: 'G-ABC1234567', apiSecret: '***' } },
      { id: 'meta', managedBy: 'api' },
    ])
    expect(text).not.toContain('a-secret-of-the-rules-file')
    expect((await it.ask('GET', `${base}/ga4`)).json).toEqual(json.integrations[0])
  })

  test('is not changed here: 409, and where it is', async () => {
    await using it = await startSettingsScene({ declared: [declared] })
    for (const answer of [
      await it.ask('PUT', `${base}/ga4`, { body: { enabled: false } }),
      await it.ask('DELETE', `${base}/ga4`),
    ]) {
      expect(answer.status).toBe(409)
      expect(answer.json.error).toBe(
        'The integration "ga4" is declared in rules.json (site "shop"), and is changed there.',
      )
    }
  })

  test('takes the place of one made here under the same name, which says so', async () => {
    const folder = await temporaryFolder()
    {
      await using it = await startSettingsScene({ folder })
      const config = { measurementId: 'G-OTHER12345', apiSecret: 'x' }
      expect((await it.ask('PUT', `${base}/ga4`, { body: { config } })).status).toBe(201)
    }
    {
      await using it = await startSettingsScene({ folder, declared: [declared] })
      const { integrations } = (await it.ask('GET', base)).json
      expect(integrations).toMatchObject([
        { managedBy: 'rules file' },
        { managedBy: 'api', problem: expect.stringContaining('takes its place') },
      ])
    }
    await rm(folder, { recursive: true })
  })
})

describe('sealing', () => {
  test('without a key a secret is refused, with the way out, and what has none is taken', async () => {
    await using it = await startSettingsScene({ sealingKeys: [] })
    const refused = await it.ask('PUT', `${base}/meta`, { body: meta })
    expect(refused.status).toBe(409)
    expect(refused.json.error).toContain('SLUICE_SECRET_KEY')
    expect(refused.json.error).toContain('openssl rand -base64 32')
    expect(refused.json.error).toContain('rules file')
    expect((await it.bytes()).includes(token)).toBe(false)
    const open = { platform: 'webhook', config: { url: nowhere } }
    expect((await it.ask('PUT', `${base}/crm`, { body: open })).status).toBe(201)
    expect(it.managed.current().map(({ id }) => id)).toEqual(['crm'])
  })

  test('survives a restart, and a change of keys by a start with both', async () => {
    const folder = await temporaryFolder()
    const [old = '', young = ''] = sealingKeys
    const settingsWith = async (keys: readonly string[]) => {
      await using it = await startSettingsScene({ folder, sealingKeys: keys })
      return it.managed.current().map(({ settings }) => settings)
    }
    {
      await using it = await startSettingsScene({ folder, sealingKeys: [old] })
      await it.ask('PUT', `${base}/meta`, { body: meta })
    }
    const whole = [expect.objectContaining({ accessToken: token })]
    expect(await settingsWith([old])).toEqual(whole)
    expect(await settingsWith([young])).toEqual([])
    expect(await settingsWith([young, old])).toEqual(whole)
    expect(await settingsWith([young])).toEqual(whole)
    expect(await settingsWith([old])).toEqual([])
    await rm(folder, { recursive: true })
  })

  test('that no key opens leaves the integration visible, with its problem, and it can be mended', async () => {
    const folder = await temporaryFolder()
    const [old = '', young = ''] = sealingKeys
    {
      await using it = await startSettingsScene({ folder, sealingKeys: [old] })
      await it.ask('PUT', `${base}/meta`, { body: { ...meta, name: 'Meta EU' } })
    }
    {
      await using it = await startSettingsScene({ folder, sealingKeys: [young] })
      const { json } = await it.ask('GET', `${base}/meta`)
      expect(json).toMatchObject({ name: 'Meta EU', problem: expect.stringContaining('SLUICE_SECRET_KEY') })
      const kept = await it.ask('PUT', `${base}/meta`, { body: { enabled: false } })
      expect(kept.status).toBe(400)
      const tested = await it.ask('POST', `${base}/meta/test`, { body: {} })
      expect([tested.status, tested.json.error]).toEqual([409, expect.stringContaining('SLUICE_SECRET_KEY')])
      expect((await it.ask('PUT', `${base}/meta`, { body: { config: meta.config } })).status).toBe(200)
      expect(it.managed.current()).toHaveLength(1)
    }
    await rm(folder, { recursive: true })
  })

  test('opens for its own integration alone: a config moved to another row stays shut', async () => {
    await using it = await startSettingsScene()
    await it.ask('PUT', `${base}/meta`, { body: meta })
    const [document] = await it.store.documents('integration')
    const moved = JSON.parse(document!.body)
    moved.declaration.id = 'stolen'
    const entry = { at: 1, site: 'blog', who: 'x', action: 'x', target: 'x', detail: '{}' }
    await it.store.putDocument(
      { kind: 'integration', site: 'blog', id: 'stolen', body: JSON.stringify(moved) },
      null,
      entry,
    )
    await it.managed.refresh()
    expect(it.managed.of('blog')).toMatchObject([{ id: 'stolen', integration: null }])
  })
})

describe('what cannot be an integration is refused in a sentence', () => {
  test.each([
    ['webhooks', { config: {} }, 400, 'POST …/integrations/webhooks'],
    ['health', { config: {} }, 400, 'a route of its own'],
    ['nothing-like-it', { config: {} }, 404, 'platform'],
    ['x-y', { platform: 'myspace', config: {} }, 400, 'there is no platform'],
    ['meta', { platform: 'webhook', config: { url: nowhere } }, 400, 'a platform itself'],
    ['.hidden', { platform: 'meta', config: {} }, 400, 'is named with'],
    ['a%2Fb', { platform: 'meta', config: {} }, 400, 'is named with'],
    ['meta', { enabled: true }, 400, 'config'],
    ['meta', undefined, 400, 'body'],
    ['meta', [], 400, 'body'],
    ['meta', { config: [] }, 400, 'config'],
    ['meta', { ...meta, surprise: 1 }, 400, 'surprise'],
    ['meta', { ...meta, id: 'other' }, 400, 'a name is not changed'],
    ['meta', { ...meta, endpoint: 'ftp://example.com' }, 400, 'endpoint'],
    ['meta', { ...meta, eventMapping: { purchase: 1 } }, 400, 'eventMapping.purchase'],
    [
      'meta',
      { ...meta, eventFilters: { purchase: { conditions: {} } } },
      400,
      'eventFilters.purchase.conditions',
    ],
    ['meta', `{"config":{"pixelId":"1","__proto__":{"x":1}}}`, 400, 'JSON'],
    ['meta', `{"config":{"constructor":{"prototype":{"x":1}}}}`, 400, 'JSON'],
    ['meta', `{"config":${'['.repeat(200_000)}${']'.repeat(200_000)}}`, 400, 'nested'],
    [
      'crm',
      `{"platform":"webhook","config":{"url":"${nowhere}","body":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}}`,
      400,
      'nested',
    ],
    ['crm', { platform: 'webhook', config: { url: nowhere, body: 'x'.repeat(300_000) } }, 400, 'config.body'],
    ['crm', { ...meta, platform: 'meta', eventMapping: { purchase: 'x'.repeat(300_000) } }, 413, 'bytes'],
    ['meta', `{"config":{"pixelId":"${'1'.repeat(1_100_000)}"}}`, 413, 'too large'],
  ])('row %#, of %s', async (provider, body, status, words) => {
    await using it = await startSettingsScene()
    const answer = await it.ask('PUT', `${base}/${provider}`, { body })
    expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(words)])
    expect(it.faults).toEqual([])
    expect(await it.store.documents('integration')).toEqual([])
  })

  test('whatever a body holds, it is never our fault, and never stored unless it is right', async () => {
    await using it = await startSettingsScene()
    const fields = [
      'enabled',
      'status',
      'config',
      'eventMapping',
      'eventFilters',
      'testMode',
      'consent',
      'platform',
    ]
    const body = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(
        fc.constantFrom(...fields, 'endpoint', 'rateLimit', 'lane', 'id', 'version'),
        fc.jsonValue(),
      ),
    )
    await fc.assert(
      fc.asyncProperty(body, fc.constantFrom('meta', 'crm', 'webhook', 'ga4'), async (value, provider) => {
        const answer = await it.ask('PUT', `${base}/${provider}`, { body: JSON.stringify(value) })
        return answer.status >= 400 && answer.status < 500
      }),
      { numRuns: 150 },
    )
    expect(it.faults).toEqual([])
  })
})

describe('mappings', () => {
  test('are the platform’s names, the integration’s own, and what comes of both', async () => {
    await using it = await startSettingsScene({ declared: [declared] })
    await it.ask('PUT', `${base}/meta`, {
      body: { ...meta, eventMapping: { purchase: 'Bought', vip: 'VIP' } },
    })
    const { json } = await it.ask('GET', `${base}/meta/mappings`)
    expect(json).toMatchObject({
      integration: 'meta',
      platform: 'meta',
      defaults: { purchase: 'Purchase', view_content: 'ViewContent' },
      eventMapping: { purchase: 'Bought', vip: 'VIP' },
      effective: { purchase: 'Bought', vip: 'VIP', view_content: 'ViewContent' },
    })
    expect((await it.ask('GET', `${base}/ga4/mappings`)).json).toMatchObject({
      integration: 'ga4',
      effective: { purchase: 'purchase' },
    })
  })

  test('of a platform that the site does not use are its defaults', async () => {
    await using it = await startSettingsScene()
    expect((await it.ask('GET', `${base}/gads/mappings`)).json).toMatchObject({
      integration: null,
      platform: 'google_ads',
      aliases: ['gads'],
      eventMapping: {},
    })
    expect((await it.ask('GET', `${base}/myspace/mappings`)).status).toBe(404)
  })
})
