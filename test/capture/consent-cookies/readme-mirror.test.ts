import { readFileSync } from 'node:fs'
import { createContext, runInContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { letters, read } from './tools.ts'

/** The lines that the README gives to sites whose consent tool no server can read, run as they stand there. */

const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
const script =
  [...readme.matchAll(/```js\n([^]*?)```/g)].find(([, code = '']) => code.includes('_sw_consent'))?.[1] ?? ''
/** The part that every tool needs, then the part of one. */
const [common = '', ...parts] = script.split(/^\/\/ (?=\w+$)/m)
const partOf = (tool: string): string =>
  parts.find((part) => part.startsWith(`${tool}\n`))?.slice(tool.length) ?? ''

type Listener = (detail: unknown) => unknown

/** A page on which one tool runs: what it calls when the visitor chose, and the cookie that comes of it. */
const pageWith = (tool: string, globals: object) => {
  const page = { cookie: '' }
  const listeners = new Map<string, Listener>()
  const listen = (name: string, listener: Listener) => listeners.set(name, listener)
  const context: Record<string, unknown> = { document: page, addEventListener: listen, ...globals }
  for (const key of ['Osano', 'Termly']) {
    const held = { addEventListener: listen, on: listen, ...(context[key] as object | undefined) }
    context[key] = key === 'Osano' ? { cm: held } : held
  }
  context['window'] = context
  runInContext(common + partOf(tool), createContext(context))
  return {
    tell: async (name: string, detail: unknown): Promise<void> => void (await listeners.get(name)?.(detail)),
    context,
    consent: () => letters(read(page.cookie.split(';')[0] ?? '', { sources: ['_sw_consent'] })),
    page,
  }
}

describe('the lines of the README', () => {
  test('are there for each tool', () => {
    expect(parts.map((part) => part.split('\n')[0])).toEqual(['Usercentrics', 'Osano', 'Termly'])
  })

  test.each([
    ['ALL_ACCEPTED', 'ALL_DENIED', 'ALL_ACCEPTED', 'gdg'],
    ['ALL_DENIED', 'ALL_DENIED', 'ALL_DENIED', 'ddd'],
    ['SOME_ACCEPTED', 'ALL_ACCEPTED', undefined, 'dgd'],
  ])('mirror Usercentrics: %s, %s, %s is %s', async (analytics, marketing, functional, expected) => {
    const { tell, consent, page } = pageWith('Usercentrics', {
      __ucCmp: {
        getConsentDetails: async () => ({
          categories: {
            analytics: { state: analytics },
            marketing: { state: marketing },
            ...(functional === undefined ? {} : { functional: { state: functional } }),
          },
        }),
      },
    })
    await tell('UC_UI_CMP_EVENT', { detail: { type: 'CMP_SHOWN' } })
    expect(page.cookie).toBe('')
    await tell('UC_UI_CMP_EVENT', { detail: { type: 'SAVE' } })
    expect(consent()).toBe(expected)
  })

  test.each([
    [{ ESSENTIAL: 'ACCEPT', ANALYTICS: 'ACCEPT', MARKETING: 'DENY', PERSONALIZATION: 'ACCEPT' }, 'gdg'],
    [{ ESSENTIAL: 'ACCEPT', ANALYTICS: 'DENY', MARKETING: 'DENY', PERSONALIZATION: 'DENY' }, 'ddd'],
    [{ MARKETING: 'ACCEPT' }, 'dgd'],
  ])('mirror Osano: %j is %s', async (choice, expected) => {
    const { tell, consent } = pageWith('Osano', {})
    await tell('osano-cm-consent-saved', choice)
    expect(consent()).toBe(expected)
  })

  test.each([
    [{ essential: true, analytics: true, advertising: false, performance: true }, 'gdg'],
    [{ essential: true, analytics: false, advertising: false, performance: false }, 'ddd'],
    [{ advertising: true }, 'dgd'],
  ])('mirror Termly: %j is %s', async (choice, expected) => {
    const { tell, consent, context } = pageWith('Termly', { Termly: { getConsentState: () => choice } })
    const loaded = context['onTermlyLoaded'] as () => void
    loaded()
    await tell('consent', {})
    expect(consent()).toBe(expected)
  })

  test('write a cookie that lasts half a year, for the whole site', async () => {
    const { tell, page } = pageWith('Osano', {})
    await tell('osano-cm-consent-saved', { MARKETING: 'ACCEPT' })
    expect(page.cookie).toBe('_sw_consent=marketing; Path=/; Max-Age=15552000; SameSite=Lax; Secure')
  })
})
