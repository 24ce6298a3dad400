import { testFlaws } from './flaws.cases.ts'

testFlaws(/^TY4/)
