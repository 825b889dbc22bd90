/// What psql(1) is asked to take back: `:'entries'` are JSON objects with an index and the detail
/// of an entry. Objects and roles are looked up by their oids, statements are written by format() with
/// %I, and executed in one transaction, each as the role that had given the privilege.
enum RevokingSQL {
  /// Prints what was found, as JSON, and takes it back when nothing was refused.
  static let script = #"""
    BEGIN;
    SET LOCAL search_path = '';
    SET LOCAL lock_timeout = '10s';
    """# + "\n" + statements + #"""
      SELECT json_build_object(
        'found', (SELECT coalesce(json_agg(index), '[]') FROM statements),
        'refused', (SELECT coalesce(json_agg(index), '[]') FROM refused));
      """# + "\n" + statements + #"""
      SELECT count(*) = 0 AS go FROM refused \gset
      \if :go
      """# + "\n" + statements + #"""
      SELECT before, statement, after FROM statements ORDER BY index \gexec
      \endif
      COMMIT;

      """#

  /// The sessions of some roles, `:'roles'` as a JSON array, ended where that is asked for.
  static let sessions = #"""
    SELECT coalesce(json_agg(json_build_object('pid', pid, 'role', usename,
      'application', application_name,
      'ended', CASE WHEN :'terminate' = 'yes' THEN pg_terminate_backend(pid) ELSE false END)), '[]')
    FROM (SELECT * FROM pg_stat_activity
      WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
        AND usename IN (SELECT json_array_elements_text(:'roles')) LIMIT 16) s;

    """#

  private static let statements = #"""
    WITH asked AS (
      SELECT (e->>'index')::int AS index, d->>'class' AS class, (d->>'oid')::oid AS oid,
        coalesce((d->>'column')::int, 0) AS col, d->>'privilege' AS privilege,
        coalesce((d->>'option')::bool, false) AS option, (d->>'grantee')::oid AS grantee,
        (d->>'grantor')::oid AS grantor
      FROM json_array_elements(:'entries') e, LATERAL (SELECT (e->>'detail')::json AS d) x
    ), named AS (
      SELECT a.*,
        CASE WHEN a.option THEN 'GRANT OPTION FOR ' ELSE '' END AS prefix,
        CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE (SELECT format('%I', rolname) FROM pg_roles
          WHERE oid = a.grantee) END AS who,
        (SELECT rolname FROM pg_roles WHERE oid = a.grantor) AS by,
        CASE
          WHEN a.class IN ('table', 'view', 'materialized-view', 'foreign-table', 'sequence')
            THEN (
            SELECT format(CASE c.relkind WHEN 'S' THEN 'SEQUENCE %I.%I' ELSE 'TABLE %I.%I' END,
              n.nspname, c.relname)
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = a.oid)
          WHEN a.class = 'schema' THEN (SELECT format('SCHEMA %I', nspname) FROM pg_namespace
            WHERE oid = a.oid)
          WHEN a.class = 'database' THEN (SELECT format('DATABASE %I', datname) FROM pg_database
            WHERE oid = a.oid)
          WHEN a.class = 'function' THEN (
            SELECT format('ROUTINE %I.%I(%s)', n.nspname, p.proname,
              pg_get_function_identity_arguments(p.oid))
            FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = a.oid)
          WHEN a.class = 'type' THEN (
            SELECT format('TYPE %I.%I', n.nspname, t.typname) FROM pg_type t JOIN pg_namespace n
              ON n.oid = t.typnamespace WHERE t.oid = a.oid)
          WHEN a.class = 'language' THEN (SELECT format('LANGUAGE %I', lanname) FROM pg_language
            WHERE oid = a.oid)
          WHEN a.class = 'tablespace' THEN (SELECT format('TABLESPACE %I', spcname) FROM
            pg_tablespace WHERE oid = a.oid)
          WHEN a.class = 'server' THEN (SELECT format('FOREIGN SERVER %I', srvname) FROM
            pg_foreign_server WHERE oid = a.oid)
          WHEN a.class = 'wrapper' THEN (SELECT format('FOREIGN DATA WRAPPER %I', fdwname) FROM
            pg_foreign_data_wrapper WHERE oid = a.oid)
        END AS object,
        (SELECT format(' (%I)', attname) FROM pg_attribute WHERE a.col > 0 AND attrelid = a.oid
          AND attnum = a.col AND NOT attisdropped) AS colname
      FROM asked a
      WHERE a.privilege = ANY
        ('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER,MAINTAIN,USAGE,CREATE,
          CONNECT,TEMPORARY,EXECUTE,SET,ALTER SYSTEM}')
    ), defaults AS (
      SELECT n.*, r.rolname AS owner, s.nspname AS schema,
        CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN
          'ROUTINES' WHEN 'T' THEN 'TYPES' ELSE 'SCHEMAS' END AS things
      FROM named n JOIN pg_default_acl d ON d.oid = n.oid JOIN pg_roles r ON r.oid = d.defaclrole
        LEFT JOIN pg_namespace s ON s.oid = d.defaclnamespace
      WHERE n.class LIKE 'default-%'
    ), statements AS (
      SELECT index, format('SET LOCAL ROLE %I', by) AS before,
        format('REVOKE %s%s%s ON %s FROM %s', prefix, privilege, colname, object, who) AS
          statement, 'RESET ROLE' AS after
      FROM named WHERE object IS NOT NULL AND who IS NOT NULL AND by IS NOT NULL AND (col = 0 OR
        colname IS NOT NULL)
      UNION ALL
      SELECT index, NULL,
        format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s REVOKE %s%s ON %s FROM %s', owner, CASE
          WHEN schema IS NOT NULL THEN format(' IN SCHEMA %I', schema) ELSE '' END, prefix,
          privilege, things, who), NULL
      FROM defaults WHERE who IS NOT NULL
      UNION ALL
      SELECT a.index, NULL, format('ALTER ROLE %I NO%s', r.rolname, a.privilege), NULL
      FROM asked a JOIN pg_roles r ON r.oid = a.oid
      WHERE a.class = 'role' AND r.oid <> 10 AND r.rolname <> session_user AND a.privilege = ANY
        ('{SUPERUSER,CREATEROLE,CREATEDB,REPLICATION,BYPASSRLS,LOGIN}')
      UNION ALL
      SELECT a.index, NULL, format('REVOKE %s%I FROM %I%s', CASE WHEN a.option THEN
        'ADMIN OPTION FOR ' ELSE '' END, g.rolname, m.rolname,
        CASE WHEN current_setting('server_version_num')::int >= 160000 THEN (SELECT
          format(' GRANTED BY %I', rolname) FROM pg_roles WHERE oid = a.grantor) ELSE '' END),
          NULL
      FROM asked a JOIN pg_roles g ON g.oid = a.oid JOIN pg_roles m ON m.oid = a.grantee
      WHERE a.class = 'member' AND m.rolname <> session_user
    ), refused AS (
      SELECT a.index FROM asked a JOIN pg_roles r ON r.oid = CASE a.class WHEN 'member' THEN
        a.grantee ELSE a.oid END
      WHERE a.class IN ('role', 'member') AND (r.rolname = session_user OR (a.class = 'role' AND
        r.oid = 10))
    )

    """#
}
