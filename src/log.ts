import { pino, type Logger } from 'pino'
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

export const createLog = (level: LogLevel, destination?: NodeJS.WritableStream): Log =>
  pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: neverWritten.flatMap((name) => [name, `*.${name}`]), censor: '***' },
    },
    destination ?? process.stdout,
  )
