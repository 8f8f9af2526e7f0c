# syntax=docker/dockerfile:1
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /src
COPY global.json Directory.Build.props Directory.Build.targets Directory.Packages.props .editorconfig ./
COPY CComet/CComet.csproj CComet/
COPY CComet.Redis/CComet.Redis.csproj CComet.Redis/
COPY CComet.Sqlite/CComet.Sqlite.csproj CComet.Sqlite/
COPY CComet.Web/CComet.Web.csproj CComet.Web/
RUN dotnet restore CComet.Web
COPY CComet CComet
COPY CComet.Redis CComet.Redis
COPY CComet.Sqlite CComet.Sqlite
COPY CComet.Web CComet.Web
RUN dotnet publish CComet.Web -c Release --no-restore -o /app /p:UseAppHost=false

# Alpine for its size; its wget serves the health check.
FROM mcr.microsoft.com/dotnet/aspnet:10.0-alpine
WORKDIR /app
COPY --from=build /app .
# What outlives the container is in /data. Group 0 may write there too: OpenShift runs an image as a random user of that group.
RUN mkdir /data && chown $APP_UID:0 /data && chmod 770 /data
VOLUME /data
# Others reach the port, so a container does not start until its operator has said whether callers need a token:
#   docker run -e CComet__Auth__Mode=Open …   or Token
ENV ASPNETCORE_HTTP_PORTS=8080 CComet__Store__Path=/data/ccomet.db
EXPOSE 8080
USER $APP_UID
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s CMD wget -q -O /dev/null "http://127.0.0.1:8080$CComet__PathBase/health/live"
ENTRYPOINT ["dotnet", "CComet.Web.dll"]
