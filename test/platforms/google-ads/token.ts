import type { PlatformAnswer, PlatformRequest } from '../platform.ts'

/** https://developers.google.com/identity/protocols/oauth2/web-server#offline (2026-11-20) */

export interface Client {
  readonly clientId?: string | undefined
  readonly clientSecret?: string | undefined
  readonly refreshToken?: string | undefined
  readonly scopes: readonly string[]
  readonly expiresIn: number
}

export interface TokenEndpoint {
  readonly issued: readonly string[]
  /** Ends all access tokens that are out. */
  revoke(): void
  /** Ends the refresh token as well. */
  withdraw(): void
  isValid(authorization: string | undefined): boolean
  take(request: PlatformRequest): PlatformAnswer
}

const refused = (status: number, error: string, description: string): PlatformAnswer => ({
  status,
  body: { error, error_description: description },
})

export const createTokenEndpoint = (client: Client, now: () => number): TokenEndpoint => {
  const issued: string[] = []
  const endsAt = new Map<string, number>()
  let withdrawn = false

  const take = (request: PlatformRequest): PlatformAnswer => {
    const form = new URLSearchParams(request.text)
    if (request.headers['content-type']?.split(';', 1)[0] !== 'application/x-www-form-urlencoded')
      return refused(400, 'invalid_request', 'Bad Request')
    if (form.get('grant_type') !== 'refresh_token')
      return refused(400, 'unsupported_grant_type', 'Invalid grant_type')
    const [id, secret, refreshToken] = ['client_id', 'client_secret', 'refresh_token'].map(
      (name) => form.get(name) ?? '',
    )
    if (id === '' || (client.clientId !== undefined && id !== client.clientId))
      return refused(401, 'invalid_client', 'The OAuth client was not found.')
    if (secret === '' || (client.clientSecret !== undefined && secret !== client.clientSecret))
      return refused(401, 'invalid_client', 'Unauthorized')
    if (
      withdrawn ||
      refreshToken === '' ||
      (client.refreshToken !== undefined && refreshToken !== client.refreshToken)
    )
      return refused(400, 'invalid_grant', 'Token has been expired or revoked.')
    const token = `ya29.stand-in-${issued.length + 1}-accessToken`
    issued.push(token)
    endsAt.set(token, now() + client.expiresIn * 1000)
    return {
      status: 200,
      body: {
        access_token: token,
        expires_in: client.expiresIn,
        scope: client.scopes.join(' '),
        token_type: 'Bearer',
      },
    }
  }

  return {
    issued,
    revoke: () => endsAt.clear(),
    withdraw: () => {
      withdrawn = true
      endsAt.clear()
    },
    isValid: (authorization) => {
      const token = /^Bearer (\S+)$/.exec(authorization ?? '')?.[1] ?? ''
      return now() < (endsAt.get(token) ?? 0)
    },
    take,
  }
}
