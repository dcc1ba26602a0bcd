import { destination as openDestination, pino, type Logger } from 'pino'
import type { LogLevel } from './config.ts'

/**
 * Log lines are JSON on standard output. They are written by hand-picked fields, never by dumping an object; this list is
 * the second line of defence, for the field somebody adds without thinking.
 */
const neverWritten = [
  'email',
  'phone',
  'firstName',
  'lastName',
  'userData',
  'ip',
  'userAgent',
  'cookie',
  'authorization',
  'accessToken',
  'apiSecret',
  'secret',
  'token',
  'password',
  'visitor',
  'payload',
]

export type Log = Logger

const written = {
  base: null,
  timestamp: () => `,"time":"${new Date().toISOString()}"`,
  formatters: { level: (label: string) => ({ level: label }) },
}

export const createLog = (level: LogLevel, destination?: NodeJS.WritableStream): Log =>
  pino(
    {
      level,
      ...written,
      redact: { paths: neverWritten.flatMap((name) => [name, `*.${name}`]), censor: '***' },
    },
    destination ?? process.stdout,
  )

export interface AccessLog {
  readonly write: (line: object) => void
  /** Writes what is still gathered, for a second at most; nothing may be written after it. */
  close(): Promise<void>
}

/**
 * Access lines, gathered and written behind the traffic's back. A reader of standard output that does not keep up costs
 * lines, not memory. No more than 4 096 bytes leave at a time: that much a pipe takes in one piece (POSIX `PIPE_BUF`), so
 * they never tear the lines of the other log.
 */
export const openAccessLog = (file: number | string = 1): AccessLog => {
  const destination = openDestination({
    dest: file,
    sync: false,
    minLength: 2_048,
    maxWrite: 4_096,
    maxLength: 4_194_304,
    periodicFlush: 1_000,
  })
  destination.on('error', () => {})
  const log = pino({ level: 'info', ...written }, destination)
  return {
    write: (line) => log.info(line, 'request'),
    close: () =>
      new Promise((resolve) => {
        const patience = setTimeout(resolve, 1_000)
        destination.once('close', () => {
          clearTimeout(patience)
          resolve()
        })
        destination.end()
      }),
  }
}
