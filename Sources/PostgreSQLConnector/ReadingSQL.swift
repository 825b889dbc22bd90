/// What psql(1) is asked to read. Names are quoted by the server; nothing is put together here.
enum ReadingSQL {
  /// Roles, memberships and the databases as a JSON object.
  static let cluster = #"""
    SELECT json_build_object(
     'version', current_setting('server_version_num')::int,
     'user', session_user,
     'databases', (SELECT coalesce(json_agg(datname ORDER BY datname), '[]') FROM pg_database
       WHERE datallowconn AND NOT datistemplate),
     'entries', (SELECT coalesce(json_agg(e), '[]') FROM (
       SELECT 'role:' || rolname AS subject, 'postgresql:role/' || rolname AS object, a AS right,
         json_build_object('class', 'role', 'oid', r.oid::bigint, 'privilege', a)::text AS detail
       FROM pg_roles r, LATERAL unnest(array_remove(ARRAY[
         CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolcreaterole THEN 'CREATEROLE' END,
         CASE WHEN rolcreatedb THEN 'CREATEDB' END, CASE WHEN rolreplication THEN 'REPLICATION'
           END,
         CASE WHEN rolbypassrls THEN 'BYPASSRLS' END, CASE WHEN rolcanlogin THEN 'LOGIN' END],
           NULL)) AS a
       UNION ALL
       SELECT 'role:' || m.rolname, 'postgresql:role/' || g.rolname, w.word || CASE
           WHEN current_setting('server_version_num')::int >= 160000 AND o.oid <> 10 THEN
             ' GRANTED BY ' || o.rolname
           ELSE '' END,
         json_build_object('class', 'member', 'oid', g.oid::bigint, 'grantee', m.oid::bigint,
           'grantor', o.oid::bigint, 'option', w.option)::text
       FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid =
         a.member
         LEFT JOIN pg_roles o ON o.oid = a.grantor,
         LATERAL (VALUES ('MEMBER', false, true), ('ADMIN OPTION', true, a.admin_option)) AS
           w(word, option, yes)
       WHERE w.yes AND NOT (g.oid < 16384 AND m.oid < 16384)
     ) e));

    """#

  /// Privileges within one database as a JSON array. Left out: what owners have, what everybody has
  /// by default, and what initdb(1) gave.
  static let database = #"""
    WITH o(class, oid, sub, family, name, col, owner, acl, usual) AS (
      SELECT 'pg_class'::regclass, c.oid, 0,
        CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' WHEN 'm' THEN
          'materialized-view'
          WHEN 'f' THEN 'foreign-table' ELSE 'table' END,
        n.nspname || '.' || c.relname, NULL::name, c.relowner, c.relacl, NULL::aclitem[]
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't' AND c.relacl
        IS NOT NULL
      UNION ALL
      SELECT 'pg_class'::regclass, c.oid, t.attnum,
        CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized-view' WHEN 'f' THEN
          'foreign-table' ELSE 'table' END,
        n.nspname || '.' || c.relname, t.attname, c.relowner, t.attacl, NULL
      FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid JOIN pg_namespace n ON n.oid =
        c.relnamespace
      WHERE t.attacl IS NOT NULL AND NOT t.attisdropped AND c.relpersistence <> 't'
      UNION ALL
      SELECT 'pg_namespace'::regclass, oid, 0, 'schema', nspname, NULL, nspowner, nspacl, NULL
        FROM pg_namespace WHERE nspacl IS NOT NULL
      UNION ALL
      SELECT 'pg_database'::regclass, oid, 0, 'database', datname, NULL, datdba, datacl,
        acldefault('d', datdba) FROM pg_database WHERE datacl IS NOT NULL AND datname =
        current_database()
      UNION ALL
      SELECT 'pg_proc'::regclass, p.oid, 0, 'function', n.nspname || '.' || p.proname || '(' ||
        pg_get_function_identity_arguments(p.oid) || ')', NULL, p.proowner, p.proacl,
        acldefault('f', p.proowner) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE p.proacl IS NOT NULL
      UNION ALL
      SELECT 'pg_type'::regclass, t.oid, 0, 'type', n.nspname || '.' || t.typname, NULL,
        t.typowner, t.typacl, acldefault('T', t.typowner) FROM pg_type t JOIN pg_namespace n ON
        n.oid = t.typnamespace WHERE t.typacl IS NOT NULL
      UNION ALL
      SELECT 'pg_language'::regclass, oid, 0, 'language', lanname, NULL, lanowner, lanacl,
        acldefault('l', lanowner) FROM pg_language WHERE lanacl IS NOT NULL
      UNION ALL
      SELECT 'pg_tablespace'::regclass, oid, 0, 'tablespace', spcname, NULL, spcowner, spcacl,
        NULL FROM pg_tablespace WHERE spcacl IS NOT NULL
      UNION ALL
      SELECT 'pg_foreign_server'::regclass, oid, 0, 'server', srvname, NULL, srvowner, srvacl,
        NULL FROM pg_foreign_server WHERE srvacl IS NOT NULL
      UNION ALL
      SELECT 'pg_foreign_data_wrapper'::regclass, oid, 0, 'wrapper', fdwname, NULL, fdwowner,
        fdwacl, NULL FROM pg_foreign_data_wrapper WHERE fdwacl IS NOT NULL
      UNION ALL
      SELECT 'pg_default_acl'::regclass, d.oid, 0,
        'default-' || CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN
          'f' THEN 'functions' WHEN 'T' THEN 'types' ELSE 'schemas' END,
        r.rolname || coalesce('/' || n.nspname, ''), NULL, d.defaclrole, d.defaclacl,
        CASE WHEN d.defaclnamespace = 0 THEN acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's'
          ELSE d.defaclobjtype END, d.defaclrole) END
      FROM pg_default_acl d JOIN pg_roles r ON r.oid = d.defaclrole LEFT JOIN pg_namespace n ON
        n.oid = d.defaclnamespace
    )
    SELECT coalesce(json_agg(e), '[]') FROM (
      SELECT CASE WHEN a.grantee = 0 THEN 'everyone' ELSE 'role:' || g.rolname END AS subject,
        'postgresql:' || current_database() || '/' || o.family || '/' || o.name AS object,
        w.prefix || a.privilege_type || coalesce(' (' || o.col || ')', '')
          || CASE WHEN a.grantor <> o.owner THEN ' GRANTED BY ' || by.rolname ELSE '' END AS
            right,
        json_build_object('class', o.family, 'database', current_database(), 'oid', o.oid::bigint,
          'column', o.sub, 'privilege', a.privilege_type, 'option', w.prefix <> '',
          'grantee', a.grantee::bigint, 'grantor', a.grantor::bigint)::text AS detail
      FROM o CROSS JOIN LATERAL aclexplode(o.acl) a
        LEFT JOIN pg_roles g ON g.oid = a.grantee
        JOIN pg_roles by ON by.oid = a.grantor
        CROSS JOIN LATERAL (VALUES ('', true), ('GRANT OPTION FOR ', a.is_grantable)) AS
          w(prefix, yes)
      WHERE w.yes AND a.grantee <> o.owner AND (a.grantee = 0 OR g.rolname IS NOT NULL)
        AND NOT (a.grantee = 0 AND EXISTS (
          SELECT FROM aclexplode(o.usual) u WHERE u.grantee = 0 AND u.privilege_type =
            a.privilege_type))
        -- Of the standard's views, which everybody may read, nothing is on record.
        AND NOT (a.grantee = 0 AND a.privilege_type IN ('SELECT', 'USAGE')
          AND (o.name = 'information_schema' OR o.name LIKE 'information\_schema.%'))
        AND NOT EXISTS (
          SELECT FROM pg_init_privs i CROSS JOIN LATERAL aclexplode(i.initprivs) p
          WHERE i.classoid = o.class AND i.objoid = o.oid AND i.objsubid = o.sub AND p.grantee =
            a.grantee
            AND p.privilege_type = a.privilege_type AND (p.is_grantable OR w.prefix = ''))
    ) e;

    """#

  /// Who changed something lately and is connected still, as a JSON array. Read behind the entries of
  /// each database: what a statement gave before they were read has its session here.
  static let sessions = #"""
    SELECT coalesce(json_agg(s), '[]') FROM (
      SELECT pid, usename AS role, application_name AS application, host(client_addr) AS address,
        left(query, 2000) AS query
      FROM pg_stat_activity
      WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
        AND query ~* '\m(grant|alter|create|do)\M' AND query_start > now() - interval '1 minute'
      LIMIT 200) s;

    """#
}
