import { listPrices } from './list-prices.ts';

/**
 * What a file costs, from the counts and list prices of docs/cost-and-scale.md: us-east-1, on demand, without free tiers,
 * November 2026; storage is not in it. Dollars.
 */

/** "A large file": everything a million records take but Lambda and the letters' part of SQS. */
const dollarsAMillionRecords = 0.087;
/** The same table: 400 letters of 40,000 records, with three receives each, are $0.017 a million records. */
const dollarsALetter = 0.017 / 10_000;
/** "Small files": the record itself, two write units. */
const dollarsAMillionLedgerRecords = 1.25;
/** "Small files": each one file of one record. */
const dollarsAMillionSmallFiles = 4.6;

export interface CostFacts {
  records: number;
  rejected: number;
  uploadSeconds: number;
  consumers: number;
  consumerMemoryMb: number;
  /** Its records go into the record ledger. */
  isLedger: boolean;
  /** It is taken together with other small files. */
  isSmall: boolean;
}

export function estimateCost(facts: CostFacts): { dollars: number; lambdaDollars: number } {
  const { records, rejected, uploadSeconds, consumers, consumerMemoryMb } = facts;
  if (facts.isSmall) return { dollars: dollarsAMillionSmallFiles / 1e6, lambdaDollars: 0 };
  // A consumer runs for as long as its batches wait for their send times, and all of them wait.
  const lambdaDollars = (consumers * uploadSeconds * consumerMemoryMb * listPrices.gigabyteSecond) / 1024;
  const perMillion = dollarsAMillionRecords + (facts.isLedger ? dollarsAMillionLedgerRecords : 0);
  return { dollars: (records * perMillion) / 1e6 + rejected * dollarsALetter + lambdaDollars, lambdaDollars };
}
