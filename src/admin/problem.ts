/** An error that knows its own answer. The codes are public and stable; anything else that escapes is `internal`. */

export const problemCodes = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  precondition_failed: 412,
  payload_too_large: 413,
  unsupported_media_type: 415,
  too_many_requests: 429,
  internal: 500,
  store_unavailable: 503,
} as const

export type ProblemCode = keyof typeof problemCodes

export interface Issue {
  /** Such as `events[0].customData.value`. */
  readonly path: string
  readonly message: string
}

export class Problem extends Error {
  readonly code: ProblemCode
  readonly issues: readonly Issue[]
  /** For the `Retry-After` header. */
  readonly retryAfterSeconds: number | null

  constructor(
    code: ProblemCode,
    message: string,
    details: {
      readonly issues?: readonly Issue[]
      readonly retryAfterSeconds?: number
      readonly cause?: unknown
    } = {},
  ) {
    super(message, { cause: details.cause })
    this.name = 'Problem'
    this.code = code
    this.issues = details.issues ?? []
    this.retryAfterSeconds = details.retryAfterSeconds ?? null
  }

  get status(): number {
    return problemCodes[this.code]
  }

  toJSON(): { readonly error: string; readonly code: ProblemCode; readonly issues?: readonly Issue[] } {
    return {
      error: this.message,
      code: this.code,
      ...(this.issues.length === 0 ? {} : { issues: this.issues }),
    }
  }
}
