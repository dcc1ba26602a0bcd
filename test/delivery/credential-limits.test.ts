import { describe, expect, test } from 'vitest'
import { createCredentialLimits } from '../../src/delivery/credential-limits.ts'
import { configureIntegration, type Integration } from '../../src/sites/configure.ts'
import type { IntegrationDeclaration } from '../../src/sites/integration.ts'
import { manualClock } from '../support/clock.ts'
import { simplePlatform } from '../support/destination.ts'

const integration = (
  id: string,
  {
    token = 'secret-a',
    site = 'shop',
    destination = simplePlatform({ name: 'simple', hosts: ['simple.example'] }),
    settings = {},
    ...over
  }: Partial<IntegrationDeclaration> & {
    token?: string
    site?: string
    destination?: ReturnType<typeof simplePlatform>
    settings?: object
  } = {},
): Integration =>
  configureIntegration(
    { id: site },
    { id, platform: 'simple', config: {}, ...over },
    destination,
    { token, ...settings },
    [token],
  )

describe('what counts as one credential', () => {
  const base = integration('one')
  test.each([
    { name: 'another integration with the same secret', other: integration('two'), same: true },
    { name: 'another site with the same secret', other: integration('one', { site: 'other' }), same: true },
    { name: 'another rate', other: integration('two', { rateLimit: { eventsPerSecond: 5 } }), same: true },
    {
      name: 'another account behind the same secret',
      other: integration('two', { settings: { pixel: 7 } }),
      same: true,
    },
    { name: 'another secret', other: integration('two', { token: 'secret-b' }), same: false },
    {
      name: 'another address',
      other: integration('two', { endpoint: 'https://other.example' }),
      same: false,
    },
    {
      name: 'another platform',
      other: integration('two', {
        destination: simplePlatform({ name: 'other', hosts: ['simple.example'] }),
      }),
      same: false,
    },
  ])('$name: $same', ({ other, same }) => {
    expect(other.credentialKey === base.credentialKey).toBe(same)
  })

  test('receivers of one’s own are told apart by their address', () => {
    const hook = (url: string) =>
      integration('hook', { destination: simplePlatform({ hosts: null }), settings: { url } }).credentialKey
    expect(hook('https://a.example/in')).toBe(hook('https://a.example/in'))
    expect(hook('https://a.example/in')).not.toBe(hook('https://b.example/in'))
  })

  test('the key shows nothing of the secret', () => {
    expect(base.credentialKey).toMatch(/^[0-9a-f]{64}$/)
  })
})

describe('the limit of a credential', () => {
  const never = new AbortController().signal

  test('is shared by all that use it, and the lowest of their rates holds', async () => {
    const clock = manualClock()
    const limits = createCredentialLimits(clock)
    const fast = integration('fast', { rateLimit: { eventsPerSecond: 100 } })
    const slow = integration('slow', { rateLimit: { eventsPerSecond: 10 } })
    limits.follow([fast, slow])
    let went = 0
    for (const one of [fast, slow])
      for (let index = 0; index < 20; index += 1)
        void limits
          .of(one)
          .take(1, 'realtime', never)
          .then(() => (went += 1))
    await clock.advance(0)
    expect(went).toBe(10)
    await clock.advance(3_000)
    expect(went).toBe(40)
  })

  test('outlives a change of the rules: what was spent stays spent, and the new rate holds', async () => {
    const clock = manualClock()
    const limits = createCredentialLimits(clock)
    limits.follow([integration('one', { rateLimit: { eventsPerSecond: 10 } })])
    let went = 0
    const ask = (many: number): void => {
      for (let index = 0; index < many; index += 1)
        void limits
          .of(integration('one'))
          .take(1, 'realtime', never)
          .then(() => (went += 1))
    }
    ask(10)
    await clock.advance(0)
    limits.follow([integration('renamed', { rateLimit: { eventsPerSecond: 15 } })])
    ask(10)
    await clock.advance(0)
    expect(went).toBe(15)
  })

  test('of another credential is not touched', async () => {
    const clock = manualClock()
    const limits = createCredentialLimits(clock)
    const [one, other] = [integration('one'), integration('two', { token: 'secret-b' })]
    limits.follow([one, other])
    limits.of(one).pauseUntil(clock.now() + 60_000)
    let went = false
    void limits
      .of(other)
      .take(1, 'realtime', never)
      .then(() => (went = true))
    await clock.advance(0)
    expect(went).toBe(true)
  })
})
