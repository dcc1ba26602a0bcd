import type { FromMember, ToMember } from '../../../src/gateway/processes/messages.ts'

/** A member that does as it is told in its first argument: `well`, `refuses`, `dies`, `dies-later`, `hangs`, `deaf`. */

const [, , manner = 'well'] = process.argv
const say = (message: FromMember): void => void process.send?.(message)

let version = 0
process.on('message', (message: ToMember) => {
  if (message.kind === 'begin') {
    if (manner === 'refuses') return say({ kind: 'refused', message: 'the port is taken' })
    if (manner === 'dies') process.exit(3)
    version = message.rules.version
    say({ kind: 'ready', version, places: { url: `http://${message.rules.text}` } })
    if (manner === 'dies-later') setTimeout(() => process.exit(4), 20)
    if (manner !== 'hangs') setInterval(() => say({ kind: 'counts', counted: null }), 20)
  }
  if (message.kind === 'prepare') {
    const problem = message.rules.text === 'bad' ? 'cannot be read here' : null
    if (message.rules.text !== 'silence') say({ kind: 'prepared', version: message.rules.version, problem })
  }
  if (message.kind === 'commit') say({ kind: 'wake', lanes: [[`version ${message.version}`, 'batch']] })
  if (message.kind === 'stop' && manner !== 'deaf') process.exit(0)
})
process.on('disconnect', () => process.exit(1))
say({ kind: 'hello' })
