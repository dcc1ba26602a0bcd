import { describeStore } from '../conformance.ts'
import { openSqliteBench } from './bench.ts'

describeStore('sqlite', () => openSqliteBench())
