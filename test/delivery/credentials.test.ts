import { describe, expect, test } from 'vitest'
import type { HttpResponse, OAuthRefresh } from '../../src/destinations/destination.ts'
import { createAddressGuard } from '../../src/delivery/address-guard.ts'
import { createCredentials, type Credentials, type Granted } from '../../src/delivery/credentials.ts'
import { createTransport } from '../../src/delivery/http.ts'
import { readTokenAnswer } from '../../src/delivery/token-answer.ts'
import type { Integration } from '../../src/sites/configure.ts'
import { googleScopes, startGoogleAds, type GoogleAdsPlatform } from '../platforms/google-ads.ts'
import { manualClock, type ManualClock } from '../support/clock.ts'
import { simplePlatform } from '../support/destination.ts'
import { someIntegration } from '../support/events.ts'
import { startServer } from '../support/server.ts'

const oauth: OAuthRefresh = {
  tokenUrl: 'https://oauth2.example/token',
  clientId: 'client-1',
  clientSecret: 'secret-of-client-1',
  refreshToken: 'refresh-token-1',
  scopes: [googleScopes.dataManager],
  advice: 'give consent again',
}
const secrets = [oauth.clientSecret, oauth.refreshToken]

const integrationWith = (
  endpoint: string | undefined,
  over: Partial<OAuthRefresh> = {},
  hosts: readonly string[] | null = ['oauth2.example'],
): Integration =>
  someIntegration(
    endpoint === undefined ? {} : { endpoint },
    simplePlatform({ credential: 'oauth2-refresh', oauth: () => ({ ...oauth, ...over }), hosts }),
  )

interface Stage extends AsyncDisposable {
  readonly credentials: Credentials
  readonly clock: ManualClock
}

const stage = (): Stage => {
  const clock = manualClock()
  const transport = createTransport({
    guard: createAddressGuard({ allow: ['127.0.0.0/8'] }),
    userAgent: 'sluice-test',
  })
  const credentials = createCredentials({ transport, clock })
  return {
    credentials,
    clock,
    [Symbol.asyncDispose]: async () => {
      credentials.close()
      await transport.close()
    },
  }
}

const never = new AbortController().signal
const tokenOf = (granted: Granted): string => {
  if ('outcome' in granted) throw new Error(`no token: ${granted.outcome.reason}`)
  return granted.credential.accessToken
}
const outcomeOf = (granted: Granted) => {
  if ('credential' in granted) throw new Error('a token came')
  return granted.outcome
}
const google = (options: Parameters<typeof startGoogleAds>[0] = {}): Promise<GoogleAdsPlatform> =>
  startGoogleAds({ clientId: 'client-1', clientSecret: 'secret-of-client-1', ...options })

describe('an access token', () => {
  test('is fetched once and kept, for all integrations of one client and refresh token', async () => {
    await using platform = await google()
    await using on = stage()
    const first = await on.credentials.get(integrationWith(platform.url), never)
    const second = await on.credentials.get(integrationWith(platform.url, { scopes: [] }), never)
    expect(tokenOf(first)).toBe(platform.issued[0])
    expect(tokenOf(second)).toBe(tokenOf(first))
    expect(platform.issued).toHaveLength(1)
  })

  test('is another one for another refresh token', async () => {
    await using platform = await google()
    await using on = stage()
    const one = await on.credentials.get(integrationWith(platform.url), never)
    const other = await on.credentials.get(integrationWith(platform.url, { refreshToken: 'other' }), never)
    expect(tokenOf(one)).not.toBe(tokenOf(other))
  })

  test('is fetched once for a crowd that asks together', async () => {
    await using platform = await google()
    await using on = stage()
    platform.next({ delayMs: 30 })
    const integration = integrationWith(platform.url)
    const granted = await Promise.all(
      Array.from({ length: 50 }, () => on.credentials.get(integration, never)),
    )
    expect(new Set(granted.map(tokenOf)).size).toBe(1)
    expect(platform.requests).toHaveLength(1)
  })

  test('is asked for as RFC 6749 section 6 says, with the secrets in the body alone', async () => {
    await using platform = await google()
    await using on = stage()
    await on.credentials.get(integrationWith(platform.url), never)
    const [request] = platform.requests
    expect(request).toMatchObject({ method: 'POST', path: '/token' })
    expect(request?.query.size).toBe(0)
    expect(Object.fromEntries(new URLSearchParams(request?.text))).toEqual({
      grant_type: 'refresh_token',
      refresh_token: oauth.refreshToken,
      client_id: oauth.clientId,
      client_secret: oauth.clientSecret,
    })
    for (const secret of secrets) expect(JSON.stringify(request?.headers)).not.toContain(secret)
  })
})

describe('a token grows old', () => {
  test('five minutes before its end it is renewed behind the scenes, and nobody waits', async () => {
    await using platform = await google({ expiresIn: 3600 })
    await using on = stage()
    const integration = integrationWith(platform.url)
    const first = tokenOf(await on.credentials.get(integration, never))
    await on.clock.advance(3_299_000)
    expect(tokenOf(await on.credentials.get(integration, never))).toBe(first)
    expect(platform.issued).toHaveLength(1)
    await on.clock.advance(2_000)
    platform.next({ delayMs: 20 })
    expect(tokenOf(await on.credentials.get(integration, never))).toBe(first)
    await expect.poll(() => platform.issued.length).toBe(2)
    await expect
      .poll(async () => tokenOf(await on.credentials.get(integration, never)))
      .toBe(platform.issued[1])
    expect(platform.requests).toHaveLength(2)
  })

  test('of a short life four fifths are used', async () => {
    await using platform = await google({ expiresIn: 100 })
    await using on = stage()
    const integration = integrationWith(platform.url)
    await on.credentials.get(integration, never)
    await on.clock.advance(79_000)
    await on.credentials.get(integration, never)
    expect(platform.requests).toHaveLength(1)
    await on.clock.advance(2_000)
    await on.credentials.get(integration, never)
    await expect.poll(() => platform.issued.length).toBe(2)
  })

  test('after its end whoever asks waits for the next', async () => {
    await using platform = await google({ expiresIn: 3600 })
    await using on = stage()
    const integration = integrationWith(platform.url)
    await on.credentials.get(integration, never)
    await on.clock.advance(3_600_000)
    expect(tokenOf(await on.credentials.get(integration, never))).toBe(platform.issued[1])
  })

  test('while it is good, an endpoint that is down is asked now and then, and nobody notices', async () => {
    await using platform = await google({ expiresIn: 3600 })
    await using on = stage()
    const integration = integrationWith(platform.url)
    const first = tokenOf(await on.credentials.get(integration, never))
    await on.clock.advance(3_400_000)
    platform.next({ status: 503 })
    const askTwentyTimes = async (): Promise<void> => {
      for (let index = 0; index < 20; index += 1)
        expect(tokenOf(await on.credentials.get(integration, never))).toBe(first)
    }
    await askTwentyTimes()
    await expect.poll(() => platform.requests[1]?.status).toBe(503)
    await askTwentyTimes()
    expect(platform.requests).toHaveLength(2)
    await expect
      .poll(async () => {
        await on.clock.advance(1_000)
        return tokenOf(await on.credentials.get(integration, never))
      })
      .not.toBe(first)
    expect(platform.requests).toHaveLength(3)
  })
})

describe('a token that the platform refused', () => {
  test('is replaced once, however many were sent with it', async () => {
    await using platform = await google()
    await using on = stage()
    const integration = integrationWith(platform.url)
    const refused = await on.credentials.get(integration, never)
    if ('outcome' in refused) throw new Error('no token')
    const renewed = await Promise.all(
      Array.from({ length: 8 }, () => on.credentials.renew(integration, refused.credential, never)),
    )
    expect(new Set(renewed.map(tokenOf))).toEqual(new Set([platform.issued[1]]))
    // One that comes late, after the new one is here, does not throw it away.
    expect(tokenOf(await on.credentials.renew(integration, refused.credential, never))).toBe(
      platform.issued[1],
    )
    expect(platform.issued).toHaveLength(2)
  })
})

describe('without a token', () => {
  test('a refresh token that is not taken is shown as what it is, and asked for once by a crowd', async () => {
    await using platform = await google({ refreshToken: 'another' })
    await using on = stage()
    const integration = integrationWith(platform.url)
    const outcome = outcomeOf(await on.credentials.get(integration, never))
    expect(outcome).toMatchObject({ kind: 'unauthorized', code: 'invalid_grant' })
    expect(outcome.reason).toContain('give consent again')
    for (let index = 0; index < 20; index += 1) await on.credentials.get(integration, never)
    expect(platform.requests).toHaveLength(1)
    await on.clock.advance(1_000)
    await on.credentials.get(integration, never)
    expect(platform.requests).toHaveLength(2)
  })

  test('a mended secret is tried at once', async () => {
    await using platform = await google({ refreshToken: 'mended' })
    await using on = stage()
    await on.credentials.get(integrationWith(platform.url), never)
    const granted = await on.credentials.get(integrationWith(platform.url, { refreshToken: 'mended' }), never)
    expect(tokenOf(granted)).toBe(platform.issued[0])
  })

  test('a token without a scope is of no use to the integration that needs it, and of all use to others', async () => {
    await using platform = await google({ scopes: [googleScopes.adwords] })
    await using on = stage()
    expect(outcomeOf(await on.credentials.get(integrationWith(platform.url), never))).toMatchObject({
      kind: 'unauthorized',
      code: 'invalid_scope',
      reason: expect.stringContaining(googleScopes.dataManager),
    })
    const other = integrationWith(platform.url, { scopes: [googleScopes.adwords] })
    expect(tokenOf(await on.credentials.get(other, never))).toBe(platform.issued[0])
    expect(platform.requests).toHaveLength(1)
  })

  test('an endpoint that is down makes it unavailable, and nothing was sent', async () => {
    await using platform = await google()
    await platform.down()
    await using on = stage()
    const outcome = outcomeOf(await on.credentials.get(integrationWith(platform.url), never))
    expect(outcome).toMatchObject({ kind: 'unavailable', ambiguous: false })
    await platform.up()
    await on.clock.advance(1_000)
    expect(tokenOf(await on.credentials.get(integrationWith(platform.url), never))).toBe(platform.issued[0])
  })

  test('an endpoint that asks to slow down is left alone for that long', async () => {
    await using platform = await google()
    platform.next({ status: 429, headers: { 'retry-after': '30' } })
    await using on = stage()
    const integration = integrationWith(platform.url)
    expect(outcomeOf(await on.credentials.get(integration, never))).toMatchObject({
      kind: 'throttled',
      retryAfterMs: 30_000,
    })
    await on.clock.advance(29_000)
    outcomeOf(await on.credentials.get(integration, never))
    expect(platform.requests).toHaveLength(1)
    await on.clock.advance(1_000)
    tokenOf(await on.credentials.get(integration, never))
  })

  test('the secrets go to the hosts of the platform and to no others', async () => {
    let asked = 0
    await using server = await startServer((_request, response) => {
      asked += 1
      response.end()
    })
    await using on = stage()
    const integration = integrationWith(undefined, { tokenUrl: `${server.url}/token` })
    expect(outcomeOf(await on.credentials.get(integration, never))).toMatchObject({
      kind: 'unauthorized',
      code: 'configuration',
      reason: expect.stringContaining('is not a host of this platform'),
    })
    expect(asked).toBe(0)
  })

  test('who stops waiting is let go, and the others get theirs', async () => {
    await using platform = await google()
    await using on = stage()
    platform.next({ delayMs: 50 })
    const leaving = new AbortController()
    const integration = integrationWith(platform.url)
    const left = on.credentials.get(integration, leaving.signal)
    const stayed = on.credentials.get(integration, never)
    leaving.abort()
    expect(outcomeOf(await left)).toMatchObject({ kind: 'not_attempted' })
    expect(tokenOf(await stayed)).toBe(platform.issued[0])
  })

  test('closing gives up what is being fetched', async () => {
    await using platform = await google()
    await using on = stage()
    platform.next({ hang: true })
    const waiting = on.credentials.get(integrationWith(platform.url), never)
    await expect.poll(() => platform.requests.length).toBe(1)
    on.credentials.close()
    expect(outcomeOf(await waiting)).toMatchObject({ kind: 'not_attempted' })
  })
})

describe('what a token endpoint says', () => {
  const answer = (status: number, body: unknown, headers = {}): HttpResponse => ({
    status,
    headers,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

  test.each([
    [400, 'invalid_grant', 'the refresh token is not taken any more'],
    [401, 'invalid_client', 'the client id or the client secret is wrong'],
    [401, 'deleted_client', 'was deleted'],
    [401, 'unauthorized_client', 'may not use this refresh token'],
    [400, 'invalid_scope', 'without a scope'],
    [403, 'org_internal', 'refused the settings'],
  ])('%i %s: the operator has to act, and is told how', (status, error, words) => {
    const read = readTokenAnswer(
      answer(status, { error, error_description: 'refresh-token-1 is bad' }),
      oauth,
    )
    expect(read).toMatchObject({ kind: 'refused', outcome: { kind: 'unauthorized', code: error } })
    expect(JSON.stringify(read)).toContain(words)
    expect(JSON.stringify(read)).not.toContain('refresh-token-1')
  })

  test.each([
    ['no JSON', 400, '<html>'],
    ['an error that is no code', 400, { error: 'refresh-token-1 <b>' }],
    ['an error of another type', 400, { error: { a: 1 } }],
    ['an outage', 503, { error: 'internal_failure' }],
    ['a redirect', 302, ''],
    ['no token', 200, {}],
    ['an empty token', 200, { access_token: ' ', token_type: 'Bearer' }],
    ['a token that would write headers', 200, { access_token: 'a\r\nx: y', token_type: 'Bearer' }],
    ['a token of another kind', 200, { access_token: 'a', token_type: 'mac' }],
  ])('%s is no answer, and is asked again', (_what, status, body) => {
    const read = readTokenAnswer(answer(status, body), oauth)
    expect(read).toMatchObject({ kind: 'refused', outcome: { kind: 'unavailable', ambiguous: false } })
    expect(JSON.stringify(read)).not.toContain('refresh-token-1')
  })

  test.each([
    [3599, 3_599_000],
    ['60', 60_000],
    [undefined, 300_000],
    [-1, 300_000],
    ['soon', 300_000],
  ])('a life of %s is one of %i ms', (written, lifeMs) => {
    const read = readTokenAnswer(
      answer(200, { access_token: 'ya29.a', token_type: 'bearer', expires_in: written }),
      oauth,
    )
    expect(read).toEqual({ kind: 'granted', accessToken: 'ya29.a', lifeMs, scopes: null })
  })
})
