# SELF-JUDGE with everything built, ending in JupyterLab:
#   docker build -t self-judge . && docker run --rm -p 8888:8888 self-judge
# then open the address with the token that it prints.

FROM node:20-bookworm-slim AS tools
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
    ca-certificates chromium fonts-dejavu-core g++ git python3 python3-venv \
 && rm -rf /var/lib/apt/lists/*
RUN npm install --global --no-audit --no-fund deno@2.9.6
ENV NO_COLOR=1

FROM tools
RUN install -d -o node -g node /home/node/self-judge
USER node
WORKDIR /home/node/self-judge
# TensorFlow and Jupyter change seldom: built from what they depend on, before the rest is copied.
COPY --chown=node:node deno.json deno.lock ./
COPY --chown=node:node lib ./lib
RUN deno task setup && deno task notebooks --install
COPY --chown=node:node . .
EXPOSE 8888
CMD ["deno", "task", "notebooks", "--no-browser", "--ip=0.0.0.0"]
