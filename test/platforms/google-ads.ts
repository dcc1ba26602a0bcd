import {
  createDataManagerAnswers,
  createUploadAnswers,
  type Conversion,
  type Judgement,
  type Ledger,
} from './google-ads/answers.ts'
import { createTokenEndpoint } from './google-ads/token.ts'
import {
  extend,
  runByHand,
  startPlatform,
  type Platform,
  type PlatformAnswer,
  type PlatformOptions,
  type PlatformRequest,
} from './platform.ts'

/**
 * Google's doors for conversions, on one address: the OAuth token endpoint (`/token`), the Data Manager API (`/v1/…`) and the
 * uploads of the Google Ads API (`/v26/customers/…`), as their papers describe them. Stricter than Google where Google is
 * silent: a field it does not know is an error here.
 */

export interface GoogleAdsPlatform extends Platform {
  /** What Google would count: the first of each conversion action and transaction id. */
  readonly received: readonly Conversion[]
  /** Conversions that came again under their id and restated or enhanced the first. */
  readonly adjusted: readonly Conversion[]
  /** Taken at the door and failed later, as the diagnostics would say. */
  readonly failed: readonly { readonly reason: string; readonly conversion: Conversion }[]
  /** Checked only. */
  readonly validated: number
  /** Access tokens handed out, in order. */
  readonly issued: readonly string[]
  /** Ends all access tokens that are out; the refresh token stays good. */
  revoke(): void
  /** Ends the refresh token as well. */
  withdraw(): void
}

export interface GoogleAdsOptions extends PlatformOptions {
  /** Any that is not empty, when absent; the same of the next two. */
  readonly clientId?: string
  readonly clientSecret?: string
  readonly refreshToken?: string
  /** Both, when absent. */
  readonly scopes?: readonly string[]
  /** Seconds that an access token lives. */
  readonly expiresIn?: number
  /** Ten digits; any, when absent. */
  readonly customerId?: string
  readonly actions?: Readonly<Record<string, 'UPLOAD_CLICKS' | 'WEBPAGE'>>
  /** Order ids that the tag on the page has reported. */
  readonly tagged?: readonly string[]
  /** Why an event that was accepted fails when it is processed; none does, when absent. */
  readonly judge?: Judgement['judge']
  /** How often Google says of a request that it is not done yet; never, when absent. */
  readonly undecidedAnswers?: number
  /** Whether the project used the old upload before it was closed. */
  readonly allowlisted?: boolean
}

export const googleScopes = {
  dataManager: 'https://www.googleapis.com/auth/datamanager',
  adwords: 'https://www.googleapis.com/auth/adwords',
} as const

export const startGoogleAds = async ({
  clientId,
  clientSecret,
  refreshToken,
  scopes = Object.values(googleScopes),
  expiresIn = 3599,
  customerId,
  actions,
  tagged = [],
  allowlisted = true,
  judge = () => null,
  undecidedAnswers = 0,
  ...options
}: GoogleAdsOptions = {}): Promise<GoogleAdsPlatform> => {
  const now = options.now ?? Date.now
  const tokens = createTokenEndpoint({ clientId, clientSecret, refreshToken, scopes, expiresIn }, now)
  const ledger: Ledger = { received: [], adjusted: [], failed: [], validated: 0 }
  const account = { customerId, actions, now }
  const dataManager = createDataManagerAnswers(ledger, { ...account, judge, undecidedAnswers })
  const upload = createUploadAnswers(ledger, { ...account, tagged, allowlisted })

  const unauthenticated: PlatformAnswer = {
    status: 401,
    body: {
      error: {
        code: 401,
        message: 'Request had invalid authentication credentials.',
        status: 'UNAUTHENTICATED',
      },
    },
  }
  const unscoped: PlatformAnswer = {
    status: 403,
    body: {
      error: {
        code: 403,
        message: 'Request had insufficient authentication scopes.',
        status: 'PERMISSION_DENIED',
        details: [
          {
            '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
            reason: 'ACCESS_TOKEN_SCOPE_INSUFFICIENT',
            domain: 'googleapis.com',
          },
        ],
      },
    },
  }

  const take = (request: PlatformRequest): PlatformAnswer => {
    if (request.path === '/token' && request.method === 'POST') return tokens.take(request)
    const isDataManager = request.path.startsWith('/v1/')
    if (!tokens.isValid(request.headers.authorization)) return unauthenticated
    if (!scopes.includes(isDataManager ? googleScopes.dataManager : googleScopes.adwords)) return unscoped
    return isDataManager ? dataManager(request) : upload(request)
  }

  return extend(await startPlatform(take, options), {
    received: ledger.received,
    adjusted: ledger.adjusted,
    failed: ledger.failed,
    get validated() {
      return ledger.validated
    },
    issued: tokens.issued,
    revoke: tokens.revoke,
    withdraw: tokens.withdraw,
  })
}

if (import.meta.main) await runByHand('Google Ads', startGoogleAds)
