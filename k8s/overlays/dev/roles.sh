#!/usr/bin/env bash
# A database, its owner and the application's role for each service; run once, when the cluster is made.
set -euo pipefail

for service in points missions leaderboard recommender; do
    owner_password="${service^^}_OWNER_PASSWORD" app_password="${service^^}_APP_PASSWORD"
    psql --set ON_ERROR_STOP=1 --set service="$service" --set owner="laurels_${service}_owner" --set app="laurels_${service}_app" \
        --set database="laurels_${service}" --set owner_password="${!owner_password}" --set app_password="${!app_password}" \
        --username "$POSTGRES_USER" --dbname postgres <<'SQL'
CREATE ROLE :"owner" LOGIN NOBYPASSRLS PASSWORD :'owner_password';
CREATE ROLE :"app" LOGIN NOBYPASSRLS PASSWORD :'app_password';
CREATE DATABASE :"database" OWNER :"owner";
SQL
done
