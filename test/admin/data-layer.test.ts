import { describe, expect, test } from 'vitest'
import { dataLayerSchema } from '../../src/sites/data-layer.ts'
import { createDataLayers } from '../../src/sites/data-layers.ts'
import { startSettingsScene } from './settings-scene.ts'

const path = '/api/v1/sites/shop/integrations/data-layer'
const settings = {
  enabled: true,
  variableName: 'shopLayer',
  externalDataLayerName: 'digitalData',
  eventMapping: { purchase: 'order_done' },
  reverseEventMapping: { order_done: 'purchase' },
}

describe('data layer settings', () => {
  test('are defaults until somebody sets them, and then hold for the next page of that site alone', async () => {
    await using it = await startSettingsScene()
    const { json, status } = await it.ask('GET', path)
    expect(status).toBe(200)
    expect(json).toMatchObject({
      enabled: false,
      variableName: 'dataLayer',
      externalDataLayerName: null,
      eventMapping: {},
      reverseEventMapping: {},
      serverTiming: false,
      declared: false,
      active: false,
    })
    const put = await it.ask('PUT', path, { body: settings })
    expect(put.json).toMatchObject({ ...settings, declared: false, active: true })
    expect(it.dataLayers.of('shop').settings).toEqual({ ...settings, serverTiming: false })
    expect((await it.ask('GET', path)).json).toEqual(put.json)
    expect((await it.ask('GET', '/api/v1/sites/blog/integrations/data-layer')).json).toEqual(json)
    expect(it.dataLayers.of('blog').settings.enabled).toBe(false)
  })

  test('of the rules file are shown, hold above the API’s, and are changed in that file only', async () => {
    await using it = await startSettingsScene({
      declaredDataLayer: dataLayerSchema.parse({ enabled: true, variableName: 'declared' }),
    })
    expect((await it.ask('GET', path)).json).toMatchObject({
      declared: true,
      active: true,
      variableName: 'declared',
    })
    const put = await it.ask('PUT', path, { body: settings })
    expect([put.status, put.json.code]).toEqual([409, 'conflict'])
    expect(put.json.error).toContain('rules.json')
    expect(it.dataLayers.of('shop').settings.variableName).toBe('declared')
    expect((await it.ask('PUT', path.replace('shop', 'blog'), { body: settings })).status).toBe(200)
  })

  test('put by one process are followed by another on the same store, and survive it', async () => {
    await using it = await startSettingsScene()
    const other = createDataLayers({ store: it.store, declared: () => null })
    await other.load()
    let told = 0
    it.dataLayers.onChange(() => (told += 1))
    await it.ask('PUT', path, { body: settings })
    expect(told).toBe(1)
    expect(other.of('shop').settings.enabled).toBe(false)
    await other.refresh()
    expect(other.of('shop').settings).toEqual({ ...settings, serverTiming: false })
    expect((await it.ask('PUT', path, { body: { enabled: false } })).status).toBe(200)
    await other.refresh()
    expect(other.of('shop').settings.enabled).toBe(false)
  })

  test('are replaced as a whole, each time with a line in the audit log', async () => {
    await using it = await startSettingsScene()
    await it.ask('PUT', path, { body: settings })
    const again = await it.ask('PUT', path, { body: { enabled: true } })
    expect(again.json).toMatchObject({ enabled: true, variableName: 'dataLayer', eventMapping: {} })
    const { changes } = (await it.ask('GET', '/api/v1/sites/shop/audit')).json
    expect(changes).toMatchObject([
      {
        action: 'data-layer.changed',
        who: 'admin',
        detail: { before: { variableName: 'shopLayer' }, after: { variableName: 'dataLayer' } },
      },
      { action: 'data-layer.changed', detail: { before: { enabled: false }, after: { enabled: true } } },
    ])
  })

  test('are not changed by somebody who saw older ones', async () => {
    await using it = await startSettingsScene()
    const first = await it.ask('PUT', path, { body: settings, headers: { 'if-none-match': '*' } })
    const seen = { 'if-match': String(first.headers['etag']) }
    expect((await it.ask('PUT', path, { body: { enabled: false }, headers: seen })).status).toBe(200)
    for (const headers of [seen, { 'if-none-match': '*' }, { 'if-match': '"nonsense"' }]) {
      const late = await it.ask('PUT', path, { body: settings, headers })
      expect([late.status, late.json.code]).toEqual([412, 'precondition_failed'])
    }
    expect((await it.ask('GET', path)).json.enabled).toBe(false)
  })

  test.each([
    ['a name that would close a script', { variableName: 'x</script><script>alert(1)' }, 'variableName'],
    ['a name that is an expression', { variableName: 'a.b' }, 'variableName'],
    ['a name of JavaScript itself', { variableName: '__proto__' }, 'variableName'],
    ['an endless name', { externalDataLayerName: 'a'.repeat(1_000) }, 'externalDataLayerName'],
    ['a wrong type', { enabled: 'yes' }, 'enabled'],
    ['a mapping to nothing', { eventMapping: { purchase: null } }, 'eventMapping.purchase'],
    [
      'an endless mapping',
      { eventMapping: Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`e${n}`, 'x'])) },
      'eventMapping',
    ],
    ['an unknown field', { ...settings, script: 'alert(1)' }, 'script'],
    ['a list', [], ''],
    ['nothing', undefined, ''],
  ])('with %s are refused by the field’s name', async (_, body, field) => {
    await using it = await startSettingsScene()
    const answer = await it.ask('PUT', path, { body })
    expect(answer.status).toBe(400)
    expect(answer.json.issues.map(({ path: at }: { path: string }) => at)).toContain(field)
    expect(await it.store.documents('data-layer')).toEqual([])
  })

  test.each([
    ['a poisoned object', '{"eventMapping":{"__proto__":{"x":"y"}}}'],
    ['deep nesting', `{"eventMapping":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
  ])('as %s are refused', async (_, body) => {
    await using it = await startSettingsScene()
    expect((await it.ask('PUT', path, { body })).status).toBe(400)
    expect(it.faults).toEqual([])
  })
})
