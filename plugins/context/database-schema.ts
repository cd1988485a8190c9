import { definePlugin } from '../../core/plugin-api.js'
import { chooseFiles } from './shared/choose-files.js'
import { itemLimit } from './shared/item-limit.js'

const CODE = ['*.ts', '*.js', '*.mjs', '*.py', '*.rb', '*.java', '*.kt', '*.php', '*.cs', '*.go', '*.rs', '*.ex', '*.exs', '*.dart', '*.swift']
const inCode = (folders: readonly string[]) => folders.flatMap(folder => CODE.map(name => `${folder}${name}`))
const MIGRATIONS = ['migrations/', 'migration/', 'migrate/', 'alembic/versions/', 'db/changelog/', 'flyway/', 'liquibase/']

export default definePlugin({
  kind: 'context-strategy',
  name: 'database-schema',
  description: 'Migrations, SQL, object models and schema files',
  options: itemLimit(),
  create: ({ maxItems }, { clock }) => chooseFiles({
    satisfies: 'database-schema',
    maxItems,
    clock,
    choice: {
      parameter: 'engines',
      groups: {
        sql: [
          {
            paths: ['schema.sql', 'structure.sql', 'schema*.sql', 'init*.sql', 'ddl/*.sql', 'create*.sql', '*.dbml', '*.ddl'],
            score: 1,
            reason: 'schema in SQL'
          },
          { paths: [...MIGRATIONS.map(folder => `${folder}*.sql`), 'v*__*.sql', 'r__*.sql', '*.up.sql'], score: 0.9, reason: 'migration' },
          {
            paths: ['db/changelog/', 'liquibase/', 'changelog*.xml', 'db.changelog*'],
            kinds: ['configuration'],
            score: 0.85,
            reason: 'migration of Liquibase'
          },
          { paths: ['*.sql'], score: 0.65, reason: 'SQL' },
          { paths: ['*.down.sql', 'seeds/*.sql', 'seed*.sql'], score: 0.4, reason: 'way back or seed' },
          {
            paths: [
              'flyway*.conf', 'flyway*.toml', 'atlas.hcl', 'sqlc.y*ml', 'dbmate*', '.sqlfluff', 'postgresql*.conf', 'pg_hba.conf',
              'my.cnf', 'pgbouncer.ini'
            ],
            score: 0.55,
            reason: 'configuration of the database'
          }
        ],
        prisma: [
          { paths: ['schema.prisma', '*.prisma'], score: 1, reason: 'Prisma schema' },
          { paths: ['prisma/migrations/*.sql'], score: 0.85, reason: 'migration of Prisma' },
          { paths: ['prisma/seed.*', 'prisma.config.*'], score: 0.5, reason: 'set-up of Prisma' }
        ],
        mongo: [
          { words: ['mongo', 'mongoose', 'mongodb'], kinds: ['source', 'configuration'], score: 0.85, reason: 'MongoDB by name' },
          {
            paths: ['models/', 'schemas/', 'model/', 'schema/', 'collections/', 'documents/', 'entities/'],
            kinds: ['source'],
            content: /mongoose|new Schema\(|mongoengine|beanie|motor\.|@Document|\bbson:|MongoClient|Mongoid/,
            score: 0.9,
            reason: 'model of MongoDB'
          },
          { paths: ['*.mongodb', '*.mongodb.js', 'mongod.conf', 'mongo-init*'], score: 0.8, reason: 'script of MongoDB' }
        ],
        supabase: [
          { paths: ['supabase/migrations/', 'supabase/schemas/'], score: 1, reason: 'migration of Supabase' },
          {
            paths: ['supabase/config.toml', 'database.types.ts', 'supabase/policies/'],
            score: 0.9,
            reason: 'schema or settings of Supabase'
          },
          { words: ['supabase'], kinds: ['source'], score: 0.7, reason: 'Supabase by name' },
          { paths: ['supabase/seed*.sql', 'supabase/functions/', 'supabase/tests/'], score: 0.6, reason: 'part of Supabase' }
        ],
        orm: [
          {
            paths: [
              'db/schema.rb', '*.entity.ts', '*.model.ts', '*.hbm.xml', '*dbcontext.cs', 'db/schema.ts', 'drizzle/*.ts', 'ent/schema/',
              '*.schema.ts', 'orm.xml'
            ],
            score: 0.95,
            reason: 'object model by name'
          },
          {
            paths: ['models.py', 'schema.py', 'schema.rs', ...inCode(['models/', 'model/', 'entities/', 'entity/', 'domain/', 'tables/'])],
            kinds: ['source'],
            content: /\bmodels\.Model|declarative_base|DeclarativeBase|mapped_column|Column\(|@Entity|@Table|@Column|ApplicationRecord|ActiveRecord|extends Model\b|gorm|sequelize|pgTable|mysqlTable|diesel|sea_orm|DbSet|Ecto\.Schema|SQLModel|tortoise/i,
            score: 0.9,
            reason: 'object model by content'
          },
          { paths: ['models.py', ...inCode(['models/', 'entities/', 'entity/'])], kinds: ['source'], score: 0.6, reason: 'model by name' },
          { paths: inCode(MIGRATIONS), kinds: ['source'], score: 0.8, reason: 'migration in code' },
          {
            paths: [
              'ormconfig.*', 'data-source.ts', 'datasource.ts', 'knexfile.*', 'drizzle.config.*', '.sequelizerc', 'alembic.ini',
              'persistence.xml', 'database.yml', 'diesel.toml', 'mikro-orm.config.*', 'config/database.*'
            ],
            score: 0.7,
            reason: 'configuration of the mapping'
          },
          { words: ['repository', 'dao', 'queryset', 'query'], kinds: ['source'], score: 0.45, reason: 'queries by name' },
          { paths: ['seeds/', 'seeders/', 'seed.*', 'seeds.*'], kinds: ['source'], score: 0.35, reason: 'seed' }
        ]
      }
    }
  })
})
