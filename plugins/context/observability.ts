import { definePlugin } from '../../core/plugin-api.js'
import { chooseFiles } from './shared/choose-files.js'
import { itemLimit } from './shared/item-limit.js'

export default definePlugin({
  kind: 'context-strategy',
  name: 'observability',
  description: 'Metrics, tracing, alerting, dashboards and logging',
  options: itemLimit(),
  create: ({ maxItems }, { clock }) => chooseFiles({
    satisfies: 'observability',
    maxItems,
    clock,
    rules: [
      {
        paths: [
          'prometheus*.y*ml', 'alertmanager*.y*ml', '*alert*rule*.y*ml', '*alerts*.y*ml', '*recording*rule*.y*ml', 'prometheus/*.y*ml',
          'alerts/', 'alerting/', '*servicemonitor*.y*ml', '*podmonitor*.y*ml', '*prometheusrule*.y*ml', '*slo*.y*ml', 'slos/'
        ],
        kinds: ['configuration'],
        score: 1,
        reason: 'metrics and alerts'
      },
      {
        paths: [
          'otel*.y*ml', '*opentelemetry*.y*ml', 'otel-collector*', 'jaeger*.y*ml', 'tempo*.y*ml', 'zipkin*.y*ml', 'loki*.y*ml',
          'promtail*.y*ml', 'alloy*', 'mimir*.y*ml', 'thanos*.y*ml', 'datadog*.y*ml', 'newrelic.*', 'sentry.properties',
          'sentry.*.config.*', '.sentryclirc', 'appinsights*', 'applicationinsights*', 'honeycomb*', 'statsd*', 'telegraf*.conf',
          'cloudwatch*.json'
        ],
        kinds: ['configuration'],
        score: 0.95,
        reason: 'collection of telemetry'
      },
      {
        paths: [
          'log4j*.xml', 'log4j*.properties', 'logback*.xml', 'logging.conf', 'logging.ini', 'logging.y*ml', 'logging.json', 'nlog.config',
          'serilog*.json', 'fluentd*', 'fluent-bit*', 'fluent.conf', 'filebeat*.y*ml', 'logstash*.conf', 'vector.toml', 'vector.y*ml',
          'logrotate*', 'monolog.y*ml'
        ],
        kinds: ['configuration', 'other'],
        score: 0.9,
        reason: 'configuration of logging'
      },
      // A dashboard is long for what it says; after what feeds it.
      {
        paths: ['grafana/', 'dashboards/', 'dashboard/*.json', '*dashboard*.json'],
        kinds: ['configuration'],
        score: 0.65,
        reason: 'dashboard'
      },
      {
        words: [
          'metric', 'telemetry', 'tracing', 'tracer', 'opentelemetry', 'otel', 'prometheus', 'instrumentation', 'observability', 'sentry',
          'datadog', 'statsd'
        ],
        kinds: ['source'],
        score: 0.9,
        reason: 'telemetry code by name'
      },
      {
        words: ['logger', 'logging', 'monitor', 'monitoring', 'health', 'healthcheck', 'liveness', 'readiness', 'alerting', 'audit', 'log'],
        kinds: ['source'],
        score: 0.75,
        reason: 'logging or health code by name'
      },
      {
        paths: [
          'main.*', 'app.*', 'server.*', 'index.*', 'program.cs', 'middleware*', 'middleware/', 'middlewares/', 'interceptors/',
          'bootstrap.*', 'instrument*', 'plugins/'
        ],
        kinds: ['source'],
        content: /opentelemetry|prom-?client|prometheus|sentry|winston|\bpino\b|structlog|loguru|logrus|zerolog|go\.uber\.org\/zap|\bslog\b|tracing_subscriber|micrometer|serilog|dd-trace|newrelic|statsd/i,
        score: 0.7,
        reason: 'uses a telemetry library'
      },
      {
        paths: [
          'runbooks/', 'runbook*', 'playbooks/*.md', 'oncall*', 'on-call*', 'incident*', 'incidents/', 'postmortem*', 'postmortems/',
          '*monitoring*.md', '*observability*.md'
        ],
        kinds: ['documentation'],
        score: 0.55,
        reason: 'runbook'
      },
      {
        paths: ['monitoring/', 'observability/', 'telemetry/'],
        kinds: ['configuration', 'source', 'other'],
        score: 0.8,
        reason: 'file of the monitoring folder'
      }
    ]
  })
})
