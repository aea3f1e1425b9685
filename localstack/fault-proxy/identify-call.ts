import type { IncomingMessage } from 'node:http';

/** A call, in AWS's own names. */
export interface AwsCall {
  service: string;
  operation: string;
}

/** `X-Amz-Target`'s first part, if it does not begin with the service's name. */
const services: Record<string, string> = {
  DynamoDB_20120810: 'dynamodb',
  AmazonSQS: 'sqs',
  AWSEvents: 'events',
};

/**
 * Identifies a call from a request's head: `X-Amz-Target` (JSON protocols), or for S3 method, path and query. The query
 * protocol has its operation in the body, which is not read: `Unknown`.
 */
export function identifyCall(request: Pick<IncomingMessage, 'method' | 'url' | 'headers'>): AwsCall {
  const target = request.headers['x-amz-target'];
  if (typeof target === 'string') {
    const [prefix = '', operation = 'Unknown'] = target.split('.');
    return { service: services[prefix] ?? prefix.toLowerCase(), operation };
  }
  // Credential=KEY/20260105/us-east-1/s3/aws4_request
  const scope = /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\//.exec(request.headers.authorization ?? '');
  const service = scope?.[1] ?? 'unknown';
  return { service, operation: service === 's3' ? tellS3(request) : 'Unknown' };
}

function tellS3({ method = '', url = '/', headers }: Pick<IncomingMessage, 'method' | 'url' | 'headers'>): string {
  const { pathname, searchParams } = new URL(url, 'http://s3');
  const isObject = pathname.split('/').filter((part) => part !== '').length > 1;
  const isCopy = headers['x-amz-copy-source'] !== undefined;
  if (!isObject) return method === 'GET' && searchParams.has('list-type') ? 'ListObjectsV2' : 'Bucket';
  if (searchParams.has('uploads')) return 'CreateMultipartUpload';
  if (searchParams.has('partNumber')) return isCopy ? 'UploadPartCopy' : 'UploadPart';
  if (searchParams.has('uploadId')) return method === 'POST' ? 'CompleteMultipartUpload' : 'AbortMultipartUpload';
  if (method === 'PUT' && isCopy) return 'CopyObject';
  const byMethod: Record<string, string> = {
    GET: 'GetObject',
    HEAD: 'HeadObject',
    PUT: 'PutObject',
    DELETE: 'DeleteObject',
  };
  return byMethod[method] ?? 'Unknown';
}
