import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { ConsentSettings } from '../../../src/capture/consent-settings.ts'
import { consentCategories } from '../../../src/event/consent.ts'
import { read } from './tools.ts'

vi.setConfig({ testTimeout: 30_000 })

/** The consent tools that npm has, made to write their own cookies: what the visitor chose there we read. */

/** As much of a page as these tools need to write a cookie: whatever is asked for exists and does nothing. */
const jar = new Map<string, string>()
const nothing = (): unknown =>
  new Proxy(() => undefined, {
    get: (_, key) => {
      if (key === Symbol.toPrimitive) return () => ''
      if (key === Symbol.iterator) return function* () {}
      return key === 'length' ? 0 : nothing()
    },
    apply: () => nothing(),
    set: () => true,
  })
const page = new Proxy(
  {},
  {
    get: (_, key) => {
      if (key === 'cookie') return [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
      if (key === 'querySelectorAll' || key === 'getElementsByTagName') return () => []
      if (key === 'querySelector' || key === 'getElementById') return () => null
      if (key === 'currentScript') return null
      return nothing()
    },
    set: (_, key, value) => {
      if (key !== 'cookie') return true
      const [, name = '', text = ''] = /^([^=]*)=([^;]*)/.exec(String(value)) ?? []
      jar.set(name, text)
      return true
    },
  },
)

beforeAll(() => {
  const storage = { getItem: () => null, setItem: () => undefined, removeItem: () => undefined }
  vi.stubGlobal('window', globalThis)
  vi.stubGlobal('self', globalThis)
  vi.stubGlobal('document', page)
  vi.stubGlobal('location', { hostname: 'shop.example', protocol: 'https:', hash: '', pathname: '/' })
  vi.stubGlobal('sessionStorage', storage)
  vi.stubGlobal('addEventListener', () => undefined)
  vi.stubGlobal('dispatchEvent', () => undefined)
})
afterAll(() => vi.unstubAllGlobals())

const cookies = (): string => [...jar].map(([name, value]) => `${name}=${value}`).join('; ')

describe('cookieconsent', () => {
  test('what the visitor accepts there is granted here, and the rest is denied', async () => {
    const banner = await import('vanilla-cookieconsent')
    const names = ['necessary', 'analytics', 'ads', 'personalization']
    const settings: ConsentSettings = {
      sources: ['cookieconsent'],
      requireExplicit: true,
      cookieconsent: { categories: { marketing: ['ads'] } },
    }
    await fc.assert(
      fc.asyncProperty(fc.subarray(names.slice(1)), async (accepted) => {
        jar.clear()
        banner.reset(true)
        await banner.run({
          autoShow: false,
          categories: Object.fromEntries(names.map((name) => [name, { readOnly: name === 'necessary' }])),
          language: {
            default: 'en',
            translations: { en: { consentModal: { title: 't' }, preferencesModal: { sections: [] } } },
          },
        })
        expect(read(cookies(), settings).source).toBe('none')
        banner.acceptCategory(accepted)
        expect(jar.get('cc_cookie')).toBeDefined()
        const state = read(cookies(), settings)
        const grant = (name: string) => (accepted.includes(name) ? 'granted' : 'denied')
        expect(state).toMatchObject({
          analytics: grant('analytics'),
          marketing: grant('ads'),
          personalization: grant('personalization'),
          explicit: true,
        })
      }),
      { numRuns: 20 },
    )
  })
})

interface KlaroManager {
  updateConsent(service: string, value: boolean): void
  saveAndApplyConsents(kind: string): void
}
interface Klaro {
  getManager(config: { readonly services: readonly object[]; readonly storageName: string }): KlaroManager
}

describe('Klaro', () => {
  test('what the visitor switches on there is granted here, and a category needs all of its services', async () => {
    // By its place, for the package has no types.
    const place = import.meta.resolve('klaro/dist/klaro-no-css.js')
    const { default: klaro } = (await import(place)) as { readonly default: Klaro }
    const services = { analytics: ['matomo'], marketing: ['facebook_pixel', 'google_ads'] }
    const all = Object.values(services).flat()
    let run = 0
    fc.assert(
      fc.property(fc.subarray(all), (on) => {
        jar.clear()
        // A manager is kept by its storage's name.
        const cookie = `klaro-${run++}`
        const settings: ConsentSettings = { sources: ['klaro'], klaro: { cookie, services } }
        const manager = klaro.getManager({
          services: all.map((service) => ({ name: service, purposes: ['p'] })),
          storageName: cookie,
        })
        expect(read(cookies(), settings).source).toBe('none')
        for (const service of on) manager.updateConsent(service, true)
        manager.saveAndApplyConsents('save')
        expect([...jar.keys()]).toEqual([cookie])
        const state = read(cookies(), settings)
        const grant = (wanted: readonly string[]) =>
          wanted.every((service) => on.includes(service)) ? 'granted' : 'denied'
        expect(consentCategories.map((category) => state[category])).toEqual([
          grant(services.analytics),
          grant(services.marketing),
          'unknown',
        ])
        expect(state.explicit).toBe(true)
      }),
      { numRuns: 20 },
    )
  })
})
