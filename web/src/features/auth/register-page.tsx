import { Link, useNavigate } from "@tanstack/react-router";
import { t } from "@/strings";
import { AuthFrame, linkClass } from "./frame";
import { RegisterForm } from "./register-form";

export function RegisterPage() {
  const navigate = useNavigate();
  return (
    <AuthFrame
      title={t.auth.registerTitle}
      text={t.auth.registerText}
      footer={
        <>
          {t.auth.haveAccount}{" "}
          <Link to="/login" className={linkClass}>
            {t.auth.signIn}
          </Link>
        </>
      }
    >
      <RegisterForm onDone={() => navigate({ to: "/" })} />
    </AuthFrame>
  );
}
