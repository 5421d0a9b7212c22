import { MAX_PAGE_CHARS, type PageKind } from '../core/diagnosis/page.ts';

/** A part of a page's text. */
interface Part {
  /** JSONata; where it comes to nothing, or to an empty text, the part is left out. */
  says: string;
  /** Of what is longer only the beginning is told. The addresses behind the parts take up to 500 characters of a page. */
  most: number;
}

export interface PageMessage {
  kind: PageKind;
  /** Whether it tells that what was paged before is over. */
  resolves?: boolean;
  severity: 'critical' | 'warning' | 'info';
  /** JSONata: the cluster's name; empty where none is known. */
  cluster: string;
  /** JSONata: what stands behind the cluster in the key of what it is about: `/authentication`. */
  aspect?: string;
  /** JSONata: the ARN of the execution that it is about. */
  execution: string;
  /** JSONata: the address of its report in S3's console. */
  report?: string;
  /** In order, each a paragraph. */
  parts: readonly Part[];
}

/** JSONata: what every page is made with. Addresses of the console are those of the ARN's partition and region. */
export const PAGE_FUNCTIONS = [
  // JSON is for programs; what an ARN names, the address of the execution does. Brackets that are no groups are escaped: JSONata counts the others.
  "$plain := function($text) { $replace($replace($replace($replace($text, / ?\\(arn:[^\\)]*\\)/, ''), /[\\{\\[]+\\s*\"[\\s\\S]*$/, '…'), /[\\{\\}]/, ''), /^\\s+|\\s+$/, '') }",
  "$cut := function($text, $most) { $length($text) <= $most ? $text : $substring($text, 0, $most - 2) & ' …' }",
  "$paragraphs := function($texts) { $join($filter($texts, function($text) { $text != '' }), '\\n\\n') }",
  "$console := function($arn, $path) { ($in := $split($arn, ':'); 'https://' & ($in[1] = 'aws-cn' ? 'console.amazonaws.cn' : $in[1] = 'aws-us-gov' ? " +
    "'console.amazonaws-us-gov.com' : 'console.aws.amazon.com') & $replace($path, 'REGION', $in[3])) }",
];

/**
 * The message of a page, as {@link pageEventSchema} has it: JSONata, in its delimiters.
 * @param subject JSONata @param platform the name of the platform, which a cluster's dashboard begins with, before that of the cluster
 */
export function pageMessage(
  subject: string,
  { kind, resolves = false, severity, cluster, aspect = "''", execution, report, parts }: PageMessage,
  platform: string,
): string {
  const texts = parts.map(({ says, most }) => `$cut($plain(${says}), ${most})`);
  const link = (href: string, text: string) => `{'href': ${href}, 'text': '${text}'}`;
  return `{% (${[
    ...PAGE_FUNCTIONS,
    // Names that no workflow has for a variable of its own, for what follows reads those.
    `$pageSubject := ${subject}`,
    `$pageCluster := ${cluster}`,
    // Another account, region or platform may have a cluster of the same name: what is over there is not over here.
    `$pagePlace := '${platform}/' & $join([$split(${execution}, ':')[[3..4]]], '/')`,
    `$executionLink := $console(${execution}, '/states/home?region=REGION#/v2/executions/details/') & ${execution}`,
    `$dashboardLink := $console(${execution}, '/cloudwatch/home?region=REGION#dashboards/dashboard/${platform}') & ` +
      "($pageCluster = '' ? '' : '-' & $pageCluster)",
    `$reportLink := ${report ? `$console(${execution}, ${report})` : "''"}`,
    "$pageLinks := 'Execution: ' & $executionLink & ($reportLink = '' ? '' : '\\nReport: ' & $reportLink)",
    `$pageText := $substring($paragraphs([${texts.join(', ')}, $pageLinks]), 0, ${MAX_PAGE_CHARS})`,
    `$string({'event_action': '${resolves ? 'resolve' : 'trigger'}', 'dedup_key': $pagePlace & ($pageCluster = '' ? '' : '/' & $pageCluster) & ` +
      `${aspect}, 'payload': {'summary': $pageSubject, 'source': $pageCluster = '' ? 'etcd-remediation' : $pageCluster, 'severity': '${severity}', ` +
      `'timestamp': $now(), 'component': 'etcd', 'class': '${kind}', 'custom_details': {'text': $pageText}}, ` +
      `'links': [${link('$executionLink', 'Execution')}, ${link('$dashboardLink', 'Dashboard')}` +
      `${report ? `, ${link('$reportLink', 'Report')}` : ''}], 'client': 'etcd-remediation'})`,
  ].join('; ')}) %}`;
}
