import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Clock, Ledger } from '../ports.ts';
import { DynamoAlteredLetters } from './dynamo-altered-letters.ts';
import { DynamoBatchLedger } from './dynamo-batch-ledger.ts';
import { DynamoDeadLedger } from './dynamo-dead-ledger.ts';
import { DynamoDeskLedger } from './dynamo-desk-ledger.ts';
import { DynamoFileLedger } from './dynamo-file-ledger.ts';
import { DynamoTable } from './dynamo-table.ts';

export function openTable(client: DynamoDBClient, name: string): DynamoTable {
  const documents = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
  return new DynamoTable(documents, name);
}

/** The whole ledger over one table: files, batches and dead records, each in its own file. */
export function createDynamoLedger(client: DynamoDBClient, tableName: string, clock: Pick<Clock, 'now'>): Ledger {
  const table = openTable(client, tableName);
  const files = new DynamoFileLedger(table, clock);
  const batches = new DynamoBatchLedger(table, clock);
  const dead = new DynamoDeadLedger(table, clock);
  const altered = new DynamoAlteredLetters(table, clock);
  const desk = new DynamoDeskLedger(table, clock);
  return {
    claimFile: files.claimFile.bind(files),
    createBundle: files.createBundle.bind(files),
    saveSplitProgress: files.saveSplitProgress.bind(files),
    releaseFile: files.releaseFile.bind(files),
    claimChecksum: files.claimChecksum.bind(files),
    finishSplit: files.finishSplit.bind(files),
    endFile: files.endFile.bind(files),
    getFile: files.getFile.bind(files),
    closeFile: files.closeFile.bind(files),
    getManifestFigures: files.getManifestFigures.bind(files),
    quarantineFile: files.quarantineFile.bind(files),
    releaseQuarantine: files.releaseQuarantine.bind(files),
    requestAmendment: files.requestAmendment.bind(files),
    beginAmendment: files.beginAmendment.bind(files),
    listFiles: files.listFiles.bind(files),
    eachFile: files.eachFile.bind(files),
    touchFile: files.touchFile.bind(files),
    claimBatch: batches.claimBatch.bind(batches),
    saveProgress: batches.saveProgress.bind(batches),
    releaseBatch: batches.releaseBatch.bind(batches),
    settleBatch: batches.settleBatch.bind(batches),
    getBatch: batches.getBatch.bind(batches),
    listBatches: batches.listBatches.bind(batches),
    noteLetters: dead.noteLetters.bind(dead),
    isNoted: dead.isNoted.bind(dead),
    adoptLetter: dead.adoptLetter.bind(dead),
    allowLetter: dead.allowLetter.bind(dead),
    noteAltered: dead.noteAltered.bind(dead),
    noteSending: dead.noteSending.bind(dead),
    addFailure: dead.addFailure.bind(dead),
    resolveDead: dead.resolveDead.bind(dead),
    beginCorrection: dead.beginCorrection.bind(dead),
    getDead: dead.getDead.bind(dead),
    listDead: dead.listDead.bind(dead),
    keepAltered: altered.keepAltered.bind(altered),
    listAltered: altered.listAltered.bind(altered),
    closeAltered: altered.closeAltered.bind(altered),
    claimReconciler: desk.claimReconciler.bind(desk),
    releaseReconciler: desk.releaseReconciler.bind(desk),
    getDeskState: desk.getDeskState.bind(desk),
    saveDeskState: desk.saveDeskState.bind(desk),
    getDeadlineNote: desk.getDeadlineNote.bind(desk),
    saveDeadlineNote: desk.saveDeadlineNote.bind(desk),
    countNotice: desk.countNotice.bind(desk),
  };
}
