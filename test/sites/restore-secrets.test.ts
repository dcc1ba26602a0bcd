import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { maskSettings, restoreSecrets } from '../../src/sites/mask.ts'

const secret = (): z.ZodString => z.string().meta({ secret: true })
const schema = z.strictObject({
  id: z.string(),
  token: secret().optional(),
  keys: z.array(secret()).optional(),
  map: z.record(z.string(), secret()).optional(),
  auth: z.union([z.strictObject({ password: secret() }), z.strictObject({ pin: secret() })]).optional(),
})
const stored = {
  id: 'shop',
  token: 'token-1',
  keys: ['key-1', 'key-2'],
  map: { a: 'value-1' },
  auth: { password: 'password-1' },
}

describe('masked settings that come back', () => {
  test('have their secrets again, each at its own place', () => {
    expect(restoreSecrets(schema, maskSettings(schema, stored), stored)).toEqual({
      settings: stored,
      missing: [],
    })
  })

  test('keep what was changed beside them', () => {
    const given = { ...stored, id: 'blog', token: '***', keys: ['***', 'new'], map: { a: '***', b: 'other' } }
    expect(restoreSecrets(schema, given, stored)).toEqual({
      settings: { ...stored, id: 'blog', keys: ['key-1', 'new'], map: { a: 'value-1', b: 'other' } },
      missing: [],
    })
  })

  test.each([
    ['where nothing was stored', { map: { b: '***' } }, ['map', 'b']],
    ['of another form', { auth: { pin: '***' } }, ['auth', 'pin']],
    [
      'in a list that became shorter, where nobody can tell which one is meant',
      { keys: ['***'] },
      ['keys', 0],
    ],
  ])('and a mask %s is named', (_, given, path) => {
    expect(restoreSecrets(schema, { id: 'shop', ...given }, stored).missing).toEqual([path])
  })

  test('lose nothing and invent nothing, whatever was stored', () => {
    const settings = fc.record(
      {
        id: fc.string(),
        token: fc.string(),
        keys: fc.array(fc.string()),
        map: fc.dictionary(
          fc.string().filter((name) => name !== '__proto__'),
          fc.string(),
        ),
      },
      { requiredKeys: ['id'] },
    )
    fc.assert(
      fc.property(settings, (given) => {
        const plain = structuredClone(given)
        expect(restoreSecrets(schema, maskSettings(schema, plain), plain)).toEqual({
          settings: plain,
          missing: [],
        })
        expect(restoreSecrets(schema, { id: 'x' }, plain).settings).toEqual({ id: 'x' })
      }),
    )
  })

  test('that the schema does not know count as secrets, and come back with their type', () => {
    const odd = { id: 'shop', tokne: 'mistyped', retries: 3 }
    const shown = maskSettings(schema, odd)
    expect(shown).toEqual({ id: 'shop', tokne: '***', retries: '***' })
    expect(restoreSecrets(schema, shown, odd).settings).toEqual(odd)
  })
})
