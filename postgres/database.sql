-- Role and database of the servers, made once by the first primary.
\getenv password LOTERIA_PASSWORD
CREATE ROLE loteria LOGIN PASSWORD :'password';
CREATE DATABASE loteria OWNER loteria;
