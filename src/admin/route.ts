import type { z } from 'zod'
import type { Grant, Scope } from './keys.ts'

/** One row of the table of routes: what is served, to whom, in what form. The server and the OpenAPI document read it. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** With `:name` for a segment. */
  readonly path: string
  readonly summary: string
  /** `null`: no key is asked for. */
  readonly scope: Scope | null
  readonly query?: z.ZodType
  readonly body?: z.ZodType
  readonly answers: Readonly<Record<number, string>>
  handle(call: Call): Promise<Answer>
}

export interface Call {
  readonly params: Readonly<Record<string, string>>
  readonly query: unknown
  readonly body: unknown
  /** In lower case. */
  readonly header: (name: string) => string | undefined
  readonly grant: Grant | null
}

export interface Answer {
  readonly status: number
  /** An object as JSON, a text as it is. */
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export const ok = (body: unknown): Answer => ({ status: 200, body })
