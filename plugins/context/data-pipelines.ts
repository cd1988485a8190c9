import { definePlugin } from '../../core/plugin-api.js'
import { chooseFiles } from './shared/choose-files.js'
import { itemLimit } from './shared/item-limit.js'

const LIBRARIES = /\b(?:import|from|require\(?["']?|use)\s*["']?(?:airflow|prefect|dagster|luigi|pyspark|apache_beam|dask|kedro|meltano|great_expectations|pandera|org\.apache\.(?:spark|beam|flink|kafka)|dlt|polars|kafkajs|bonobo|petl|pandas)\b/

export default definePlugin({
  kind: 'context-strategy',
  name: 'data-pipelines',
  description: 'Notebooks, ETL, dbt, DAGs and schemas of data',
  options: itemLimit(),
  create: ({ maxItems }, { clock }) => chooseFiles({
    satisfies: 'data-pipelines',
    maxItems,
    clock,
    rules: [
      {
        paths: [
          'dbt_project.yml', 'dagster.yaml', 'workspace.yaml', 'prefect.yaml', 'meltano.yml', 'dvc.yaml', 'airflow.cfg',
          'great_expectations.yml', 'snakefile', 'nextflow.config', 'kedro.yml', 'catalog.yml', 'sources.yml', 'packages.yml'
        ],
        score: 1,
        reason: 'definition of a pipeline'
      },
      { paths: ['dags/', '*_dag.py', '*dag.py'], kinds: ['source', 'configuration'], score: 1, reason: 'DAG' },
      {
        paths: ['models/*.sql', 'macros/*.sql', 'marts/*.sql', 'staging/*.sql', 'transformations/*.sql', 'analyses/*.sql', 'etl/*.sql'],
        score: 0.9,
        reason: 'transformation in SQL'
      },
      {
        paths: [
          'models/*.yml', 'models/*.yaml', 'expectations/*.json', 'data_contracts/', 'data-contracts/', '*.datacontract.yaml',
          'params.yaml', 'dvc.lock', '*.dvc'
        ],
        kinds: ['configuration', 'other'],
        score: 0.7,
        reason: 'contract or parameters of data'
      },
      {
        paths: ['*.avsc', '*.avdl', '*.thrift', 'data/*.schema.json', 'schemas/*.json', 'schemas/*.y*ml'],
        score: 0.7,
        reason: 'schema of data'
      },
      {
        words: [
          'etl', 'elt', 'pipeline', 'ingest', 'ingestion', 'ingestor', 'extract', 'extractor', 'transform', 'transformer', 'loader',
          'warehouse', 'airflow', 'spark', 'kafka', 'flink', 'beam', 'dataset', 'backfill', 'scraper', 'crawler'
        ],
        kinds: ['source'],
        score: 0.7,
        reason: 'pipeline code by name'
      },
      {
        paths: [
          'pipelines/', 'pipeline/', 'etl/', 'jobs/', 'ingestion/', 'data/', 'analytics/', 'tasks/', 'workflows/', 'assets/', 'flows/',
          'scripts/'
        ],
        kinds: ['source'],
        content: LIBRARIES,
        score: 0.85,
        reason: 'uses a library of data processing'
      },
      { paths: ['*.ipynb', '*.rmd', '*.qmd'], score: 0.6, reason: 'notebook' },
      {
        paths: ['notebooks/*.py', 'notebooks/*.sql', 'analysis/*.py', 'analysis/*.r', 'reports/*.sql', 'queries/*.sql'],
        kinds: ['source'],
        score: 0.6,
        reason: 'analysis'
      },
      { paths: ['data/readme*', 'data-dictionary*', 'data_dictionary*', '*data-model*.md'], score: 0.55, reason: 'description of data' },
      { paths: ['*.csv', '*.tsv', '*.jsonl', '*.ndjson'], score: 0.1, reason: 'data' }
    ]
  })
})
